"""The raw files of a data set, in a folder or in a zip; a zip is read in memory, never unpacked."""

import functools
import itertools
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from csre_mm.utils.errors import InputError

LARGEST_FILE = 1 << 28
"""Bytes. A raw file has some megabytes; a zip can announce any number."""


@dataclass(frozen=True)
class RawFile:
    """One raw file.

    Args:
        source: The folder's file itself, or the zip.
        member: The name inside the zip, or None.
        size: Bytes, unpacked.
        stamp: What changes when the content does: the time of the last change in nanoseconds, or
            the checksum in the zip.
    """

    source: Path
    member: str | None = None
    size: int = 0
    stamp: int = 0

    def __str__(self) -> str:
        return printable(str(self.source) + ('' if self.member is None else f':{self.member}'))

    @property
    def stem(self) -> str:
        """The name without folders and suffix: the sample's name."""
        return self.source.stem if self.member is None else PurePosixPath(self.member).stem

    def read(self) -> bytes:
        """Read the file.

        Raises:
            InputError: If it cannot be read: a damaged or an encrypted zip, no permission, too
                many bytes.
        """
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
        except _ZIP_ERRORS as error:
            reason = printable(str(error) or type(error).__name__)
            raise InputError(f'{self}: the zip is damaged or encrypted: {reason}') from error


_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    KeyError,
    RuntimeError,  # encrypted; its subclass NotImplementedError: unknown compression
    ValueError,  # a name in another encoding than it says
    struct.error,
    IndexError,
)


def printable(text: str) -> str:
    """The text itself, or with escapes where it has line ends or bytes that are no text."""
    return text if text.isprintable() else repr(text)[1:-1]


@functools.lru_cache(maxsize=4)
def _open_zip(path: Path, pid: int, mtime: int, size: int) -> zipfile.ZipFile:
    """Open a zip once a process: forked processes must not share a file position."""
    return zipfile.ZipFile(path)


def find_raw_files(sources: Iterable[str | os.PathLike], *suffixes: str) -> list[RawFile]:
    """List the files with one of some suffixes, in the order of their names.

    Args:
        sources: Folders (searched with their subfolders) and zips. What macOS adds to zips
            (``__MACOSX/``, ``._name``) is left out.
        suffixes: With the dot, such as ``.json``.

    Raises:
        InputError: If a source is neither, a zip names a file outside of itself, nothing is found,
            or two files have the same name.
    """
    paths = [Path(source) for source in sources]
    files = sorted(
        (file for path in paths for file in _list(path, suffixes)),
        key=lambda file: (file.stem, str(file)),
    )
    if not files:
        names, wanted = ', '.join(map(str, paths)), ' or '.join(f'*{s}' for s in suffixes)
        raise InputError(f'{names}: no {wanted} file found, expected some in the folder or zip')
    for first, second in itertools.pairwise(files):
        if first.stem == second.stem:
            raise InputError(f'{second}: the same sample as {first}, expected each name once')
    return files


def _list(source: Path, suffixes: tuple[str, ...]) -> list[RawFile]:
    if not source.exists():
        raise InputError(f'{source}: no such folder or zip')
    return _list_folder(source, suffixes) if source.is_dir() else _list_zip(source, suffixes)


def _list_folder(folder: Path, suffixes: tuple[str, ...]) -> list[RawFile]:
    files = []
    for path in folder.rglob('*'):
        if not path.name.endswith(suffixes) or _is_junk(path.relative_to(folder).as_posix()):
            continue
        try:
            state = path.stat()
        except OSError:  # a link to nowhere: reading it says so
            files.append(RawFile(path))
        else:
            if stat.S_ISREG(state.st_mode):  # to read a pipe would wait for ever
                files.append(RawFile(path, None, state.st_size, state.st_mtime_ns))
    return files


def _list_zip(source: Path, suffixes: tuple[str, ...]) -> list[RawFile]:
    try:
        with zipfile.ZipFile(source) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
    except (OSError, *_ZIP_ERRORS) as error:
        reason = printable(str(error) or type(error).__name__)
        raise InputError(f'{source}: expected a folder or a zip: {reason}') from error
    for info in members:
        # Nothing is unpacked here, but such a file is made to do harm, or not what it seems to be.
        path = PureWindowsPath(info.filename)  # takes / and \\ as separators, and knows drives
        if path.anchor or '..' in path.parts:
            raise InputError(
                f'{source}: refused: the zip names {printable(info.filename)!r:.80}, '
                'expected names inside of it, without .., a root or a drive'
            )
    return [
        RawFile(source, info.filename, info.file_size, info.CRC)
        for info in members
        if info.filename.endswith(suffixes) and not _is_junk(info.filename)
    ]


def _is_junk(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return '__MACOSX' in parts or parts[-1].startswith('._')
