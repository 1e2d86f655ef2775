"""An encoder that starts from weights by ``init_cfg``: what is read, and what must fit."""

import os

import pytest
import torch
from mmaction.models import STGCN
from mmengine.logging import MMLogger

from csre_mm.utils.errors import InputError

SIZE = dict(graph_cfg=dict(layout='nw-ucla', mode='stgcn_spatial'), num_stages=2, base_channels=4)


class Evil:
    def __reduce__(self):
        return os.mkdir, ('ran',)


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = STGCN(**SIZE).state_dict()
    return {f'backbone.{key}': torch.full_like(value, 2) for key, value in weights.items()}


def start(state, prefix=None, **content):
    torch.save({'state_dict': state, **content}, 'w.pth')
    init_cfg = dict(type='Pretrained', checkpoint='w.pth', prefix=prefix)
    encoder = STGCN(**SIZE, init_cfg=init_cfg)
    encoder.init_weights()
    return encoder.state_dict()


@pytest.mark.parametrize('prefix', ['backbone', 'backbone.', None])
def test_weights_that_fit(state, prefix):
    if prefix is None:
        state = {key.removeprefix('backbone.'): value for key, value in state.items()}
    assert all((value == 2).all() for value in start(state, prefix).values())


@pytest.mark.parametrize(
    ('prefix', 'message'),
    [
        (None, r"\(backbone\S+ in the file, \S+ in the model\): set init_cfg.prefix='backbone'"),
        ('cls_head', r'\(nothing in the file, .*convert_weights.py converts'),
    ],
)
def test_weights_of_which_none_fits(state, prefix, message):
    expected = rf'init_cfg: w.pth: 0 of the {len(state)} tensors of STGCN fit {message}'
    with pytest.raises(InputError, match=expected) as error:
        start(state, prefix)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('kept', [0.4, 0.6])
def test_less_than_half_is_refused_and_more_is_said(state, kept, monkeypatch):
    said = []
    monkeypatch.setattr(MMLogger, 'log', lambda self, level, text, **_: said.append(text))
    MMLogger.get_instance('pretrained')
    keys = list(state)
    count = int(kept * len(keys))
    part = {key: state[key] for key in keys[:count]}
    if kept < 0.5:
        with pytest.raises(InputError, match=f'{count} of the {len(keys)} tensors'):
            start(part, 'backbone')
        return
    start(part, 'backbone')
    left = keys[count].removeprefix('backbone.')
    assert any(f'{count} of the {len(keys)} tensors' in t and left in t for t in said)


def test_no_code_is_run(state, tmp_path):
    with pytest.raises(InputError, match=r'asks for \w+.mkdir'):
        start(state, 'backbone', extra=Evil())
    assert not (tmp_path / 'ran').exists()
