"""The raw files of a data set, in a folder or in a zip; a zip is read in memory, never unpacked."""

import functools
import itertools
import os
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from csre_mm.utils.errors import InputError, printable

LARGEST_FILE = 1 << 25
"""Bytes. A raw file has some megabytes, and takes up to fifty times as much while it is read."""


@dataclass(frozen=True)
class RawFile:
    """One raw file."""

    source: Path  # the file, or the zip
    member: str | None = None  # the name inside the zip
    size: int = 0  # bytes, unpacked

    def __str__(self) -> str:
        return printable(str(self.source) + ('' if self.member is None else f':{self.member}'))

    @property
    def stem(self) -> str:
        """The name without folders and suffix: the sample's name."""
        return self.source.stem if self.member is None else PurePosixPath(self.member).stem

    def read(self) -> bytes:
        """Read the file; one that cannot be, or has too many bytes, is an ``InputError``."""
        if self.size > LARGEST_FILE:
            raise InputError(f'{self}: has {self.size:,} bytes, expected at most {LARGEST_FILE:,}')
        try:
            if self.member is None:
                return self.source.read_bytes()
            state = self.source.stat()
            archive = _open_zip(self.source, os.getpid(), state.st_mtime_ns, state.st_size)
            return archive.read(self.member)
        except OSError as error:
            raise InputError(f'{self}: cannot be read: {error.strerror or error}') from error
        except Exception as error:  # a damaged zip can raise almost anything
            reason = printable(str(error) or type(error).__name__)
            raise InputError(f'{self}: the zip is damaged or encrypted: {reason}') from error


def to_metres(array: np.ndarray, where: str) -> np.ndarray:
    """Numbers as finite float32; a message has the place of another one, ``where[1][2][0]``."""
    with np.errstate(over='ignore'):
        array = array.astype(np.float32)
    for place in np.argwhere(~np.isfinite(array))[:1].tolist():
        index = ''.join(f'[{i}]' for i in place)
        value = array[tuple(place)]
        raise InputError(f'{where}{index} is {value}, expected a finite number of metres')
    return array


@functools.lru_cache(maxsize=4)
def _open_zip(path: Path, pid: int, mtime: int, size: int) -> zipfile.ZipFile:
    """Open a zip once per process: forked processes must not have a file position in common."""
    return zipfile.ZipFile(path)


def find_raw_files(sources: Iterable[str | os.PathLike], *suffixes: str) -> list[RawFile]:
    """List the files of folders and zips with one of some suffixes, in the order of their names.

    Folders are searched with their subfolders. What macOS adds to zips (``__MACOSX/``, ``._name``)
    is left out. A zip that names a file outside of itself, and two files of one name, are refused.
    """
    paths = [Path(source) for source in sources]
    files: list[RawFile] = []
    for path in paths:
        if not path.exists():
            raise InputError(f'{path}: no such folder or zip')
        files += _list_folder(path, suffixes) if path.is_dir() else _list_zip(path, suffixes)
    if not files:
        names, wanted = ', '.join(map(str, paths)), ' or '.join(f'*{s}' for s in suffixes)
        raise InputError(f'{names}: no {wanted} file found, expected some in the folder or zip')
    files.sort(key=lambda file: (file.stem, str(file)))
    for first, second in itertools.pairwise(files):
        if first.stem == second.stem:
            raise InputError(f'{second}: the same sample as {first}, expected each name once')
    return files


def _list_folder(folder: Path, suffixes: tuple[str, ...]) -> list[RawFile]:
    files = []
    for path in folder.rglob('*'):
        if _is_wanted(path.relative_to(folder).as_posix(), suffixes):
            if path.is_file():  # reading a pipe would never end
                files.append(RawFile(path, size=path.stat().st_size))
            elif not path.exists():  # a broken link: an error when it is read
                files.append(RawFile(path))
    return files


def _list_zip(source: Path, suffixes: tuple[str, ...]) -> list[RawFile]:
    try:
        with zipfile.ZipFile(source) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
    except Exception as error:
        reason = printable(str(error) or type(error).__name__)
        raise InputError(f'{source}: expected a folder or a zip: {reason}') from error
    for info in members:
        # Nothing is unpacked here, but such a file was made to do harm.
        path = PureWindowsPath(info.filename)  # has / and \\ as separators, and drives
        if path.anchor or '..' in path.parts:
            raise InputError(
                f'{source}: refused: the zip names {printable(info.filename)!r:.80}, '
                'expected names inside of it, without .., a root or a drive'
            )
    wanted = [info for info in members if _is_wanted(info.filename, suffixes)]
    return [RawFile(source, info.filename, info.file_size) for info in wanted]


def _is_wanted(name: str, suffixes: tuple[str, ...]) -> bool:
    """Whether a file has one of the suffixes and is not one that macOS adds."""
    *folders, name = PurePosixPath(name).parts
    return name.endswith(suffixes) and not name.startswith('._') and '__MACOSX' not in folders
