import copy

import pytest

from csre_mm.apis import read_config
from csre_mm.utils.config_text import parse_settings, parse_value
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


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('[0,1],[2,3]', [[0, 1], [2, 3]]),
        ('(1,2),(3,4)', [(1, 2), (3, 4)]),
        ('[1,[2,3]]', [1, [2, 3]]),
        ('[]', []),
        ('[1]', [1]),
        ('a b', 'a b'),
        ("{'a': dict(b=[1])}", {'a': {'b': [1]}}),
    ],
)
def test_values(text, expected):
    assert parse_value(text) == expected


@pytest.mark.parametrize('text', ['{[1]: 2}', '{{"a": 1}}', '[1,2', f'dict(a={"(" * 300})', '[1))'])
def test_what_is_no_value(text):
    with pytest.raises(ValueError, match=r'cannot be read|do not match'):
        parse_value(text)
    with pytest.raises(ValueError, match=r'\w'):
        parse_settings(f'a = {text}')
