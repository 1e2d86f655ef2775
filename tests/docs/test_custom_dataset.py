"""docs/custom_dataset.md, followed from the top to the bottom as a reader would."""

from pathlib import Path

import pytest

from csre_mm.apis import merge_options, read_config
from csre_mm.datasets import get_layout
from tests.conftest import ROOT
from tests.docs.pages import NAME, blocks, follow

PAGE = ROOT / 'docs/custom_dataset.md'


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """What the page needs of a clone, in a new folder."""
    for name in ('configs', 'tools'):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_block_is_a_named_file_a_command_or_its_output():
    kinds = [kind for kind, _ in blocks(PAGE)]
    assert set(kinds) == {'python', 'bash', 'text'}
    assert len(kinds) == PAGE.read_text().count('```') / 2
    named = [NAME.match(text) for kind, text in blocks(PAGE) if kind == 'python']
    assert all(named) and len({match[1] for match in named}) == len(named)


def test_the_page_works_from_top_to_bottom(clone, monkeypatch, capsys):
    follow(PAGE, monkeypatch, capsys)
    named = [(NAME.match(text)[1], text) for kind, text in blocks(PAGE) if kind == 'python']
    configs = [name for name, text in named if '_base_' in text]
    assert configs == ['my_config.py', 'my_coco.py', 'my_mediapipe.py']
    for name in configs:
        work_dir = Path('work_dirs', Path(name).stem)
        logs = [path.read_text() for path in work_dir.glob('*/*.log')]
        assert any('loss_contrast_spatial' in log for log in logs), 'CSRE was not active'
        assert (work_dir / 'epoch_1.pth').is_file()


def test_the_layouts_are_bodies(clone):
    """Each joint is connected to the centre, and preprocessor, encoder and neck agree."""
    sizes = {}
    for kind, text in blocks(PAGE):
        name = NAME.match(text)[1] if kind == 'python' else ''
        if kind == 'python':
            Path(name).write_text(text)
        if '_base_' not in text:
            continue
        cfg = merge_options(read_config(name), None)
        layout = get_layout(cfg.data.layout)
        assert layout == get_layout(cfg.model.data_preprocessor.layout)
        assert layout == get_layout(cfg.model.backbone.graph_cfg.layout)
        assert len(layout.edges) == layout.num_joints - 1
        for joint in range(layout.num_joints):
            for _ in range(layout.num_joints):
                joint = layout.bone_parents[joint]
            assert joint == layout.center
        sizes[name] = layout.num_joints
    assert sizes == {'my_config.py': 20, 'my_coco.py': 17, 'my_mediapipe.py': 33}
