"""Reading what is to be classified: raw files, arrays, annotation pickles, folders and archives."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from csre_mm.datasets.annotations import check_annotations, load_annotations, select_split
from csre_mm.datasets.layouts import NTU, NTU_CHAIN, NW_UCLA, UTD_MHAD
from csre_mm.datasets.preparation.ntu.annotation import drop_zeros, merge_actors, select_actors
from csre_mm.datasets.preparation.ntu.raw import parse_skeleton
from csre_mm.datasets.preparation.ntu.splits import parse_name
from csre_mm.datasets.preparation.nw_ucla import parse_sequence
from csre_mm.datasets.preparation.raw_files import RawFile, find_raw_files
from csre_mm.datasets.preparation.utd_mhad import parse_mat
from csre_mm.datasets.preparation.utd_mhad import parse_name as parse_utd_name
from csre_mm.datasets.sample_faults import LARGEST
from csre_mm.utils.errors import InputError, one_line

RAW_SUFFIXES = ('.skeleton', '.json', '.mat')
SUFFIXES = (*RAW_SUFFIXES, '.npy', '.pkl')  # of the files that can be classified
LARGEST_ARRAY = 1 << 28  # bytes of an .npy: hours of a skeleton


@dataclass(frozen=True)
class Recording:
    """One skeleton sequence.

    Attributes:
        name: The sample's name.
        keypoint: Coordinates, in metres for all data sets here. Shape (M, T, V, C). A person who is
            absent from a frame is zeros.
        label: The true class, if it is known.
        prepared: Whether the persons were chosen and ordered when the data were prepared. If not,
            and there are more than the model takes, those who move most are taken.
        fields: What else an annotation has.
        start: The first frame of a window, counted in the whole recording.
        layouts: Names of the layouts that the joints are of, where the format tells.

    Example:
        >>> recording = Recording('x', np.ones((1, 20, 25, 3), np.float32))
        >>> find_recordings(recording)[0].keypoint.shape
        (1, 20, 25, 3)
    """

    name: str
    keypoint: np.ndarray
    label: int | None = None
    prepared: bool = False
    fields: dict[str, Any] = field(default_factory=dict)
    start: int = 0
    layouts: tuple[str, ...] = ()


class Recordings(Sequence[Recording]):
    """Recordings that are read when they are asked for, by a function each."""

    def __init__(self, readers: Sequence[Callable[[], Recording]]) -> None:
        self.readers = readers

    def __len__(self) -> int:
        return len(self.readers)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Recordings(self.readers[index])
        return self.readers[index]()


def find_recordings(source: Any, split: str | None = None) -> Recordings:
    """List the recordings of a source.

    Args:
        source: An array (M, T, V, C) or (T, V, C), a :class:`Recording`, a path, or a list of them.
            A path leads to a ``.skeleton`` of NTU RGB+D, an ``.npy``, a ``.json`` of NW-UCLA, a
            ``.mat`` of UTD-MHAD, an annotation ``.pkl``, a folder of these, or a ``.zip`` of raw
            files.
        split: The split of an annotation pickle; all samples without it.

    Raises:
        InputError: If there is nothing, or it is something else.

    Example:
        >>> len(find_recordings(['own.npy', np.ones((20, 25, 3))]))
        2
        >>> find_recordings('data.pkl', split='val')[0].name
        'val_000'
    """
    readers = list(_readers(source, split, 'array'))
    if not readers:
        raise InputError(f'{source}: nothing to classify')
    return Recordings(readers)


def _readers(source: Any, split: str | None, name: str) -> Iterator[Callable[[], Recording]]:
    if isinstance(source, Recording):
        yield lambda: source
    elif isinstance(source, np.ndarray):
        yield partial(from_array, source, name)
    elif isinstance(source, Recordings):
        yield from source.readers
    elif isinstance(source, list | tuple):
        for index, item in enumerate(source):
            yield from _readers(item, split, f'{name} {index}')
    elif isinstance(source, str | os.PathLike):
        yield from _readers_of_path(Path(source), split)
    else:
        raise InputError(
            f'a {type(source).__name__} cannot be classified, expected a path, an array '
            '(M, T, V, C) or a list of them; frames one by one are for stream()'
        )


def _readers_of_path(path: Path, split: str | None) -> Iterator[Callable[[], Recording]]:
    if path.is_dir():
        files = sorted(
            file
            for file in path.rglob('*')
            if file.suffix in SUFFIXES and file.is_file() and not file.name.startswith('.')
        )
        if not files:
            raise InputError(f'{path}: no file of {" ".join(SUFFIXES)} in the folder')
        for file in files:
            yield from _readers_of_path(file, split)
    elif not path.exists():
        raise InputError(f'{path}: no such file or folder')
    elif path.suffix != '.pkl' and split is not None:
        raise InputError(f'{path}: has no splits, they are those of an annotation pickle')
    elif path.suffix == '.pkl':
        yield from _readers_of_annotations(path, split)
    elif path.suffix == '.zip':
        yield from (partial(read_raw, file) for file in find_raw_files([path], *RAW_SUFFIXES))
    elif path.suffix == '.npy':
        yield partial(read_npy, path)
    elif path.suffix in RAW_SUFFIXES:
        yield partial(read_raw, RawFile(path, None, path.stat().st_size))
    else:
        raise InputError(
            f'{path}: cannot be classified, expected {" ".join(SUFFIXES)}, a folder or a .zip of '
            'raw files'
        )


def _readers_of_annotations(path: Path, split: str | None) -> Iterator[Callable[[], Recording]]:
    data = load_annotations(path)
    check_annotations(data, path)
    samples = select_split(data, split, path)
    if not samples:
        raise InputError(f'{path}: no samples' + (f' in the split {split!r}' if split else ''))
    for sample in samples:
        yield partial(from_annotation, sample, f'{path}: sample {sample["frame_dir"]}')


def from_annotation(sample: dict[str, Any], where: str) -> Recording:
    """Make a recording of a sample of an annotation file, or of a data set."""
    fields = {key: value for key, value in sample.items() if key != 'keypoint'}
    keypoint = check_keypoint(sample['keypoint'], where)
    return Recording(sample['frame_dir'], keypoint, int(sample['label']), True, fields)


def read_raw(file: RawFile) -> Recording:
    """Read a ``.skeleton`` of NTU RGB+D, a ``.json`` of NW-UCLA or a ``.mat`` of UTD-MHAD.

    The bodies of a ``.skeleton`` are cleaned as ``tools/data/prepare_ntu.py`` does it by default;
    its name may be any.
    """
    if str(file.member or file.source).endswith('.json'):
        sample = parse_sequence(file.read(), file.stem, str(file))
        label, layouts = sample['label'], (NW_UCLA.name,)
        return Recording(file.stem, sample['keypoint'], label, prepared=True, layouts=layouts)
    if str(file.member or file.source).endswith('.mat'):
        name = file.stem.removesuffix('_skeleton')
        try:
            label = parse_utd_name(name)[0] - 1
        except InputError:
            label = None
        keypoint, layouts = parse_mat(file.read(), str(file)), (UTD_MHAD.name,)
        return Recording(name, keypoint, label, prepared=True, layouts=layouts)
    bodies, _ = drop_zeros(parse_skeleton(file.read(), str(file)).bodies)
    actors = select_actors(bodies)[0] if bodies else []
    if not actors:
        raise InputError(
            f'{file}: {len(bodies)} bodies, none of them long enough, expected an actor'
            if bodies
            else f'{file}: no body in any frame, expected at least one'
        )
    try:
        label = parse_name(file.stem).action - 1
    except InputError:  # another name, without a class
        label = None
    of_ntu = NTU.name, NTU_CHAIN.name
    return Recording(file.stem, merge_actors(actors), label, prepared=True, layouts=of_ntu)


def read_npy(path: Path) -> Recording:
    """Read an array (M, T, V, C), or (T, V, C) of one person; nothing in the file is executed."""
    try:
        if (size := path.stat().st_size) > LARGEST_ARRAY:
            raise ValueError(f'it has {size:,} bytes, expected at most {LARGEST_ARRAY:,}')
        with np.errstate(over='ignore'):  # a map is never larger than its file, whatever it claims
            array = np.load(path, mmap_mode='r', allow_pickle=False)
        if not isinstance(array, np.memmap):
            raise ValueError('an .npz of several arrays')
        if array.dtype.kind not in 'fiu':
            raise ValueError(f'it holds {array.dtype}, expected numbers')
        if array.offset + array.nbytes != size:
            raise ValueError(f'{size} bytes are not {array.dtype} of the shape {array.shape}')
    except OSError as error:
        raise InputError(f'{path}: cannot be read: {error.strerror or error}') from error
    except Exception as error:  # a damaged header is read as Python's text, and can raise anything
        raise InputError(
            f'{path}: not an .npy of numbers, or a damaged one: {one_line(error, 120)}'
        ) from error
    return from_array(np.array(array), path.stem, str(path))


def from_array(array: np.ndarray, name: str = 'array', where: str | None = None) -> Recording:
    """Make a recording of an array (M, T, V, C), or (T, V, C) of one person."""
    if isinstance(array, np.ndarray) and array.ndim == 3:
        array = array[None]
    if array.dtype.kind in 'fiu':
        with np.errstate(over='ignore'):  # what is too large for it becomes infinite
            array = np.ma.filled(array.astype(np.float32), np.nan)  # what is masked
    return Recording(name, check_keypoint(array, where or name))


def check_keypoint(keypoint: np.ndarray, where: str) -> np.ndarray:
    """Insist on coordinates (M, T, V, C) that are finite and not zero throughout."""
    if keypoint.ndim != 4 or keypoint.dtype.kind not in 'fiu':
        raise InputError(
            f'{where}: {keypoint.dtype} of the shape {keypoint.shape}, expected numbers '
            '(M persons, T frames, V joints, C coordinates) or (T, V, C)'
        )
    if not keypoint.any():
        what = f'of the shape {keypoint.shape}' if 0 in keypoint.shape else 'zero throughout'
        raise InputError(f'{where}: the skeleton is {what}, expected a person at least')
    fine = np.abs(keypoint) <= LARGEST  # not NaN
    if not fine.all():
        place = np.argwhere(~fine)[0].tolist()
        found = f'keypoint{place} is {keypoint[tuple(place)]}'
        raise InputError(f'{where}: {found}, expected finite numbers to {LARGEST:g}')
    return keypoint
