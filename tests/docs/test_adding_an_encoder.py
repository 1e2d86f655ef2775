"""docs/adding_an_encoder.md, followed from the top to the bottom as a reader would."""

import sys

from mmaction.registry import MODELS

from tests.conftest import ROOT
from tests.docs.pages import follow

PAGE = ROOT / 'docs/adding_an_encoder.md'


def test_the_page_works_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    for name in ('configs', 'tools'):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    try:
        follow(PAGE, monkeypatch, capsys)
    finally:
        MODELS.module_dict.pop('PlainGCN', None)
        sys.modules.pop('my_encoder', None)
    log = next((tmp_path / 'work_dirs/my_csre').glob('*/*.log')).read_text()
    assert 'loss_contrast_temporal' in log, 'CSRE was not active'
    log = next((tmp_path / 'work_dirs/my_baseline').glob('*/*.log')).read_text()
    assert 'acc/top1' in log
