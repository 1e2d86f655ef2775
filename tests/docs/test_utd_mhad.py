"""docs/utd_mhad.md, followed from the top to the bottom as a reader would."""

import pytest

from tests.conftest import ROOT
from tests.docs.pages import follow

PAGE = ROOT / 'docs/utd_mhad.md'
DATA = ROOT.parent / 'shared/data/utd-mhad/Skeleton.zip'


def test_the_page_works_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    if not DATA.exists():
        pytest.skip(f'no {DATA}: the real data is not part of the project')
    for name in ('configs', 'tools'):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / 'Skeleton.zip').symlink_to(DATA)
    monkeypatch.chdir(tmp_path)
    follow(PAGE, monkeypatch, capsys)
    logs = [path.read_text() for path in tmp_path.glob('work_dirs/csre_hcn_utd_mhad/*/*.log')]
    assert any('loss_contrast_spatial' in log for log in logs), 'CSRE was not active'
    assert (tmp_path / 'scores.pkl').is_file()
