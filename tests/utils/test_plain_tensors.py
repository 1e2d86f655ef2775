import io
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch

from csre_mm.evaluation import load_scores
from csre_mm.utils.errors import InputError
from csre_mm.utils.plain_tensors import load_plain_tensors, load_storage, rebuild_tensor
from tests.datasets.test_mutations import bounded, range_of_seeds

DTYPES = ['float16', 'bfloat16', 'float32', 'float64', 'int32', 'int64', 'bool']


def loads(data):
    return load_plain_tensors(io.BytesIO(data))


@pytest.mark.parametrize('protocol', [2, 4, 5])
@pytest.mark.parametrize('dtype', DTYPES)
def test_values_of_each_type(dtype, protocol):
    tensor = torch.tensor([[-1.5, 0.0, 2.25], [3.0, 100.0, 1.0]]).to(getattr(torch, dtype))
    found = loads(pickle.dumps(tensor, protocol))
    expected = tensor.float() if dtype == 'bfloat16' else tensor
    assert found.dtype == expected.numpy().dtype
    np.testing.assert_array_equal(found, expected.numpy())


@pytest.mark.parametrize(
    'tensor',
    [
        torch.arange(12.0).view(3, 4)[1],
        torch.arange(12.0).view(3, 4).t(),
        torch.arange(12.0).view(3, 4)[::2, 1::2],
        torch.tensor(3.0),
        torch.empty(0),
        torch.empty(2, 0, 3),
        torch.arange(12.0)[12:],
        torch.ones(2, requires_grad=True),
    ],
)
def test_views_and_sizes(tensor):
    found = loads(pickle.dumps(dict(nested=[tensor])))['nested'][0]
    assert found.shape == tuple(tensor.shape)
    np.testing.assert_array_equal(found, tensor.detach().numpy())


@pytest.mark.parametrize(
    ('value', 'message'),
    [
        (torch.ones(2, dtype=torch.complex64), 'torch.ComplexFloatStorage'),
        (torch.nn.Parameter(torch.ones(2)), 'torch._utils._rebuild_parameter'),
        (torch.ones(2, 2).to_sparse(), 'torch._utils._rebuild_sparse_tensor'),
        (torch.device('cpu'), 'torch.device'),
        (torch.float32, 'torch.float32'),
        (getattr, 'builtins.getattr'),
    ],
)
def test_nothing_else_of_torch_is_read(value, message):
    with pytest.raises(pickle.UnpicklingError, match=message):
        loads(pickle.dumps(value, 2) if value is not getattr else b'cbuiltins\ngetattr\n.')


def storage_of(tensor):
    """The bytes that torch writes for the storage of a tensor."""
    return tensor._typed_storage().__reduce__()[1][0]


STORAGE = load_storage(storage_of(torch.arange(6.0)))
GOOD = dict(storage=STORAGE, offset=0, size=(6,), stride=(1,), requires_grad=False)


@pytest.mark.parametrize(
    'change',
    [
        dict(offset=1),
        dict(offset=-1),
        dict(offset=2**62),
        dict(offset=True),
        dict(size=(7,)),
        dict(size=(-1,)),
        dict(size=(6, 1)),
        dict(size=[6]),
        dict(size=(2**62,), stride=(0,)),
        dict(size=(3, 3), stride=(0, 1)),
        dict(stride=(2,)),
        dict(stride=(-1,)),
        dict(size=(1,) * 40, stride=(1,) * 40),
        dict(storage=np.zeros(6)),
        dict(hooks=OrderedDict(a=1)),
        dict(hooks=None),
        dict(requires_grad=None),
    ],
    ids=str,
)
def test_a_tensor_beyond_its_storage_is_refused(change):
    arguments = GOOD | dict(hooks=OrderedDict())
    assert rebuild_tensor(**arguments).tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises((pickle.UnpicklingError, ValueError)):
        rebuild_tensor(**arguments | change)


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        (b'cpu', b'gpu'),
        (b'FloatStorage', b'IntStorage'),
        (b'DoubleStorage', b'HalfStorage'),
        (b'little_endianq\x02\x88', b'little_endianq\x02\x89'),
        (b'K\x06N', b'K\x07N'),
        (b'K\x06N', b'\x8a\x07' + (10**15).to_bytes(7, 'little') + b'N'),
        (b'M\xe9\x03.', b'M\xe8\x03.'),
        (b'\x8a\nl\xfc', b'\x8a\nl\xfd'),
        (b'storageq', b'moduleeq'),
        (b'ctorch\nDoubleStorage', b'cos\nsystem'),
        (b'ctorch\nDoubleStorage', b'cnumpy\ndtype'),
    ],
)
def test_a_changed_storage_is_refused(old, new):
    data = storage_of(torch.arange(6.0, dtype=torch.float64))
    assert load_storage(data).tensor(0, (6,), (1,)).tolist() == [0, 1, 2, 3, 4, 5]
    if old == b'FloatStorage':
        data = storage_of(torch.arange(6.0, dtype=torch.float64)).replace(b'Double', b'Float')
    else:
        assert data.count(old) == 1
        data = data.replace(old, new)
    with pytest.raises(pickle.UnpicklingError):
        load_storage(data)


def test_a_file_that_ends_torchs_own_reader_is_refused():
    deep = b'\x80\x02})' + b'\x85' * 200_000 + b'K\x01s.'
    large = b'\x80\x02cbuiltins\nbytearray\n\x8a\x05\x00\x00\x00\x00\x01\x85R.'
    with bounded():
        for data in (deep, large):
            with pytest.raises(pickle.UnpicklingError):
                load_storage(data)


# --- changed dumps


def dump(rng):
    classes = int(rng.integers(2, 5))
    scores = torch.from_numpy(rng.uniform(size=(3, classes)))
    scores = scores.to(getattr(torch, DTYPES[rng.integers(4)]))
    samples = [
        dict(frame_dir=f's{i}', gt_label=torch.tensor([i % 2]), pred_score=scores[i])
        for i in range(3)
    ]
    return bytearray(pickle.dumps(samples, protocol=int(rng.choice([2, 4, 5]))))


def flip_bytes(rng):
    content = dump(rng)
    for place in rng.integers(len(content), size=rng.integers(1, 5)):
        content[place] = rng.integers(256)
    return content


def flip_header(rng):
    """Change a byte of the header of a storage, or of the numbers behind a storage."""
    content = dump(rng)
    start = content.index(b'protocol_version', rng.integers(len(content) // 2))
    content[start + rng.integers(-20, 420)] = rng.integers(256)
    return content


def move_a_piece(rng):
    content = dump(rng)
    start, to = rng.integers(len(content), size=2)
    piece = content[start : start + rng.integers(1, 60)]
    content[to:to] = piece
    return content


def test_changed_dumps_are_read_or_refused_in_time(tmp_path):
    path = tmp_path / 'scores.pkl'
    outcomes = dict(read=0, refused=0)
    mutators = {flip_bytes: 150, flip_header: 150, move_a_piece: 60}
    for mutate, seed in range_of_seeds(mutators):
        path.write_bytes(mutate(np.random.default_rng([seed, mutators[mutate]])))
        with bounded():
            try:
                found = load_scores(path)
            except InputError as error:
                assert str(error).startswith(str(path)) and len(str(error).splitlines()) == 1
                outcomes['refused'] += 1
                continue
            except Exception as error:
                pytest.fail(f'{mutate.__name__}, seed {seed}: {type(error).__name__}: {error}')
        assert len(found.names) == len(found.labels) == len(found.scores)
        outcomes['read'] += 1
    # How often depends on the run: torch writes memory addresses into a storage.
    assert outcomes['read'] >= 15 and outcomes['refused'] >= 150, outcomes


def test_a_tensor_that_runs_code_is_refused(tmp_path):
    trace = tmp_path / 'trace'

    class Malicious:
        def __reduce__(self):
            return os.mkdir, (str(trace),)

    inner = pickle.dumps(Malicious(), 2)
    storage = storage_of(torch.ones(2))

    class Tensor:
        def __reduce__(self):
            return torch.storage._load_from_bytes, (inner + storage,)

    path = tmp_path / 'scores.pkl'
    path.write_bytes(pickle.dumps([dict(pred_score=Tensor())]))
    with pytest.raises(InputError, match=r'scores\.pkl: .*mkdir'):
        load_scores(path)
    assert not trace.exists()
