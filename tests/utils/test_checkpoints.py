"""Checkpoints are read without running code, and as they were written or not at all."""

import collections
import hashlib
import io
import pickle
import zipfile

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

from csre_mm.utils.checkpoints import load_checkpoint_file
from csre_mm.utils.errors import InputError
from tests.datasets.test_mutations import bounded


def save(path, **content):
    torch.save({'state_dict': {'weight': torch.ones(2)}, **content}, path)
    return str(path)


def test_a_checkpoint_of_mmengine_is_read(tmp_path):
    buffer = HistoryBuffer([1.0, 2.0], [1, 1])
    content = dict(
        message_hub={'log_scalars': {'loss': buffer}, 'best': np.float64(0.5), 'n': np.int64(3)},
        numbers=[np.float32(1.5), np.bool_(True), np.arange(3), np.array([0.5])],
    )
    loaded = load_checkpoint_file(save(tmp_path / 'a.pth', **content))
    assert loaded['message_hub']['log_scalars']['loss'].mean() == 1.5
    assert loaded['message_hub']['best'] == 0.5
    assert loaded['numbers'][2].tolist() == [0, 1, 2]


def make_content():
    """Everything that a checkpoint holds, shared and expanded tensors included."""
    torch.manual_seed(0)
    layer = torch.nn.BatchNorm1d(3)
    base = torch.arange(12.0)
    return dict(
        state_dict=layer.state_dict(),
        views=[base, base.view(3, 4).t(), base[5:7], torch.ones(1).expand(5), torch.empty(0, 2)],
        parameter=torch.nn.Parameter(torch.randn(2)),
        types=[torch.tensor([1, 0]).to(dtype) for dtype in TYPES],
        plain=[torch.Size([1, 2]), torch.float16, torch.device('cpu'), b'ab', bytearray(b'c')],
        more=[{1, 2}, 1j, (None, True, 2**40), collections.Counter([3, 3, 4]), 'text'],
        meta={'epoch': 1, 'cfg': 'a = 1', 'config': 'import os'},
    )


TYPES = [
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.bool),
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
]


def assert_equal(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, torch.Tensor):
        assert found.dtype == expected.dtype and found.requires_grad == expected.requires_grad
        assert found.stride() == expected.stride() and torch.equal(found, expected)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_equal(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for pair in zip(found, expected, strict=True):
            assert_equal(*pair)
    else:
        assert found == expected


@pytest.mark.parametrize('new_format', [True, False])
def test_the_same_is_read_as_torch_reads(tmp_path, monkeypatch, new_format):
    content, path = make_content(), tmp_path / 'a.pth'
    torch.save(content, path, _use_new_zipfile_serialization=new_format)
    expected = torch.load(path, weights_only=False)  # torch 2.4 reads less without code
    monkeypatch.setattr(torch, 'load', None)
    found = load_checkpoint_file(path)
    assert found['state_dict']._metadata == content['state_dict']._metadata
    assert expected['meta'].pop('config')  # mmengine would run it
    assert_equal(found, expected)
    found['views'][0][5] = -1
    assert found['views'][2][0] == -1  # still one storage
    found['state_dict']['weight'].mul_(2)


def test_mmengine_reads_checkpoints_with_this_reader(tmp_path, monkeypatch):
    path = save(tmp_path / 'a.pth', meta={'config': 'raise SystemExit'})
    monkeypatch.setattr(torch, 'load', None)
    monkeypatch.setattr(Config, 'fromstring', None)
    assert CheckpointLoader.load_checkpoint(path, 'cpu')['meta'] == {}
    checkpoints = tmp_path / 'home/hub/checkpoints'
    monkeypatch.setattr('torch.hub.download_url_to_file', None)  # it is there
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'home'))
    checkpoints.mkdir(parents=True)
    save(checkpoints / 'a.pth', extra=Malicious(eval, '1 + 1'))
    with pytest.raises(InputError, match='eval'):
        CheckpointLoader.load_checkpoint('https://example.org/a.pth', 'cpu')
    torch.save([1, 2], tmp_path / 'list.pth')
    with pytest.raises(InputError, match='holds no state_dict'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'list.pth'), 'cpu')


def test_checksums_may_be_switched_off(tmp_path):
    options = pytest.importorskip('torch.utils.serialization.config')
    before, options.save.compute_crc32 = options.save.compute_crc32, False
    try:
        path = save(tmp_path / 'a.pth')
    finally:
        options.save.compute_crc32 = before
    assert load_checkpoint_file(path)['state_dict']['weight'].tolist() == [1, 1]


def test_a_changed_bit_is_found(tmp_path):
    path, rng = tmp_path / 'a.pth', np.random.default_rng(0)
    torch.save(make_content(), path)
    content, expected = path.read_bytes(), load_checkpoint_file(path)
    refused = 0
    for place in rng.integers(8 * len(content), size=200):
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        try:
            found = load_checkpoint_file(path)
        except InputError as error:
            assert len(str(error).splitlines()) == 1
            refused += 1
        else:  # it was padding, or an entry that nothing reads
            assert_equal(found, expected)
    assert refused > 50


def test_a_published_file_is_compared_with_the_hash_in_its_name(tmp_path):
    data = save(tmp_path / 'a.pth', meta={'csre_mm_version': '1'})
    digest = hashlib.sha256((tmp_path / 'a.pth').read_bytes()).hexdigest()[:8]
    right = (tmp_path / 'a.pth').rename(tmp_path / f'a-{digest}.pth')
    assert load_checkpoint_file(right)['meta']
    wrong = right.rename(tmp_path / 'a-01234567.pth')
    with pytest.raises(InputError, match=f'has the hash {digest}, not that in its name'):
        load_checkpoint_file(wrong)
    save(tmp_path / 'epoch-20250101.pth')  # of somebody else's: a date
    assert load_checkpoint_file(tmp_path / 'epoch-20250101.pth') and data


class Malicious:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    'call',
    [
        (eval, '1 + 1'),
        (getattr, torch.nn.Linear, 'forward'),
        (getattr, HistoryBuffer, '__init__'),
        # An array of Python objects at chosen addresses.
        (np.ndarray, (1,), np.dtype('O'), b'AAAAAAAA'),
        (np.dtype, [('a', 'O')]),
        (np.frombuffer, b'AAAAAAAA', np.dtype('O')),
        (torch.nn.Linear, 2, 2),
        (bytearray, 1 << 33),
    ],
    ids=str,
)
def test_a_checkpoint_that_would_run_code_is_refused(tmp_path, call):
    path = save(tmp_path / 'a.pth', extra=Malicious(*call))
    with pytest.raises(InputError) as caught:
        load_checkpoint_file(path)
    assert '\n' not in str(caught.value)


@pytest.mark.filterwarnings('ignore:Detected pickle protocol')
@pytest.mark.parametrize('content', [b'', b'no checkpoint', pickle.dumps({'a': 1})])
def test_a_file_that_is_no_checkpoint(tmp_path, content):
    path = tmp_path / 'a.pth'
    path.write_bytes(content)
    with pytest.raises(InputError, match='cannot be read as a checkpoint') as caught:
        load_checkpoint_file(str(path))
    assert '\n' not in str(caught.value) and 'weights_only' not in str(caught.value)


def test_no_such_checkpoint(tmp_path):
    with pytest.raises(InputError, match='no such checkpoint'):
        load_checkpoint_file(str(tmp_path / 'none.pth'))


def repeat_a_call(count):
    """One text of 1 MB, encoded again and again: a file that would take gigabytes."""
    buffer = io.BytesIO(b'\x80\x02]q\x00(X' + (1 << 20).to_bytes(4, 'little') + b'a' * (1 << 20))
    buffer.seek(0, io.SEEK_END)
    buffer.write(b'q\x01X\x06\x00\x00\x00latin1q\x02')
    buffer.write(b'c_codecs\nencode\nq\x03')
    buffer.write(b'h\x03h\x01h\x02\x86R' * count + b'e.')
    return buffer.getvalue()


HOSTILE = {
    'texts': 'more memory',
    'histories': 'more memory',
    'deep key': 'is a key',
    'TorchScript': 'TorchScript',
}


@pytest.mark.parametrize('hostile', HOSTILE)
def test_a_file_that_would_fill_the_memory_is_refused(tmp_path, hostile):
    path = tmp_path / 'a.pth'
    torch.save({'a': torch.ones(2)}, path)
    data = {
        'texts': repeat_a_call(10_000),
        'deep key': b'\x80\x02})' + b'\x85' * 200_000 + b'K\x01s.',
        'histories': b'\x80\x02](' + b'cmmengine.logging.history_buffer\nHistoryBuffer\nq\x00'
        b')\x81' + b'h\x00)\x81' * 200_000 + b'e.',
        'TorchScript': b'N.',
    }[hostile]
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('archive/data.pkl', data)
        if hostile == 'TorchScript':
            archive.writestr('archive/constants.pkl', data)
    with bounded(), pytest.raises(InputError, match=HOSTILE[hostile]) as caught:
        load_checkpoint_file(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_checkpoint_is_no_larger_than_its_file(tmp_path):
    path = tmp_path / 'a.pth'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('archive/data.pkl', b'N.')
        archive.writestr('archive/data/0', b'\0' * (100 << 20))
    with bounded(), pytest.raises(InputError, match='more bytes than the file has'):
        load_checkpoint_file(path)
