import numpy as np
import pytest

from tests.commands import Command, captured
from tests.inference import SHORT, make_checkpoint, write_config


@pytest.fixture(scope='module')
def models(tmp_path_factory, ntu_file):
    found = {}
    for name in ('ctrgcn_ntu60', 'csre_ctrgcn_ntu60'):
        folder = tmp_path_factory.mktemp(name)
        keys = {**SHORT, 'train_dataloader.dataset.pipeline.1.clip_len': 16}
        cfg, checkpoint = make_checkpoint(name, ntu_file, folder, **keys)
        found[name] = write_config(cfg, folder), checkpoint
    return found


@pytest.fixture
def embedding(tmp_path, monkeypatch, capsys):
    return captured(Command('analysis/embedding.py', tmp_path, monkeypatch), capsys)


def test_features_and_figure(embedding, models, tmp_path):
    outputs = ['--out', 'x.npz', '--figure', 'x.pdf', '--classes-shown', 0, 2]
    status, out, _ = embedding(*models['csre_ctrgcn_ntu60'], *outputs)
    assert status == 0 and '24 samples of 3 classes: encoder 32, z_s 256, z_t 256' in out
    with np.load(tmp_path / 'x.npz') as file:
        assert file['z_t'].shape == (24, 256) and file['names'][0].startswith('xsub_val')
        assert np.bincount(file['labels']).tolist() == [8, 8, 8]
    assert (tmp_path / 'x.pdf').read_bytes().startswith(b'%PDF')


def test_a_baseline_has_the_encoder_only(embedding, models, tmp_path):
    status, out, _ = embedding(*models['ctrgcn_ntu60'], '--split', 'train', '--out', 'x.npz')
    assert status == 0 and 'has no neck of CSRE: features of the encoder only.' in out
    with np.load(tmp_path / 'x.npz') as file:
        assert set(file.files) == {'names', 'labels', 'encoder'}
        assert file['names'][0].startswith('xsub_train')


@pytest.mark.parametrize(
    'arguments, message',
    [
        ([], 'nothing to write'),
        (['--out', 'x.npy'], 'must end in .npz'),
        (['--figure', 'x.bmp'], 'a figure is one of'),
        (['--split', 'no', '--out', 'x.npz'], "has no split 'no'; it has xsub_train, xsub_val"),
        (['--figure', 'x.png', '--classes-shown', 7], 'no sample is of the class 7'),
        (['--figure', 'x.png', '--classes-shown', *range(13)], 'has 13, expected at most 12'),
        (['--figure', 'x.png', '--points', 3], '--points is 3'),
    ],
)
def test_a_bad_argument_is_one_line(embedding, models, arguments, message):
    status, _, err = embedding(*models['ctrgcn_ntu60'], *arguments)
    assert status == 2 and err.count('\n') == 1 and message in err
