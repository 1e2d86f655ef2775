import copy

from csre_mm.apis import read_config
from tests.conftest import config

LAYOUT = dict(num_joints=3, center=1, edges=[(0, 1), (2, 1)], names={'left hand': 0, 'head': (1,)})


def test_what_a_run_writes_of_a_config_is_that_config(monkeypatch, tmp_path):
    """Without yapf, which takes seconds for a long layout, at every checkpoint."""
    monkeypatch.setattr('mmengine.config.config.FormatCode', None)
    cfg = read_config(str(config('csre_ctrgcn_ntu60')))
    cfg.model.data_preprocessor.layout, cfg.title = LAYOUT, "a 'b'\n"
    copied = copy.deepcopy(cfg)
    cfg.dump(tmp_path / 'dumped.py')
    assert read_config(str(tmp_path / 'dumped.py')).to_dict() == cfg.to_dict()
    assert copied.pretty_text == cfg.pretty_text == (tmp_path / 'dumped.py').read_text()
