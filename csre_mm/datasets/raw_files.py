"""The raw files of a data set, in a folder or in a zip; a zip is read in memory, never unpacked."""

import functools
import itertools
import os
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from csre_mm.utils.errors import InputError


@dataclass(frozen=True)
class RawFile:
    """One raw file.

    Args:
        source: The folder's file itself, or the zip.
        member: The name inside the zip, or None.
    """

    source: Path
    member: str | None = None

    def __str__(self) -> str:
        return str(self.source) if self.member is None else f'{self.source}:{self.member}'

    @property
    def stem(self) -> str:
        """The name without folders and suffix: the sample's name."""
        return self.source.stem if self.member is None else PurePosixPath(self.member).stem

    def read(self) -> bytes:
        """Read the file.

        Raises:
            InputError: If it cannot be read: a damaged or an encrypted zip, no permission.
        """
        try:
            if self.member is None:
                return self.source.read_bytes()
            state = self.source.stat()
            archive = _open_zip(self.source, os.getpid(), state.st_mtime_ns, state.st_size)
            return archive.read(self.member)
        except OSError as error:
            raise InputError(f'{self}: cannot be read: {error.strerror or error}') from error
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError) as error:
            # RuntimeError: encrypted; its subclass NotImplementedError: unknown compression
            raise InputError(f'{self}: the zip is damaged or encrypted: {error}') from error


@functools.lru_cache(maxsize=4)
def _open_zip(path: Path, pid: int, mtime: int, size: int) -> zipfile.ZipFile:
    """Open a zip once a process: forked processes must not share a file position."""
    return zipfile.ZipFile(path)


def find_raw_files(sources: Iterable[str | os.PathLike], suffix: str) -> list[RawFile]:
    """List the files with a suffix, in the order of their names.

    Args:
        sources: Folders (searched with their subfolders) and zips. What macOS adds to zips
            (``__MACOSX/``, ``._name``) is left out.
        suffix: With the dot, such as ``.json``.

    Raises:
        InputError: If a source is neither, nothing is found, or two files have the same name.
    """
    paths = [Path(source) for source in sources]
    files = sorted(
        (file for path in paths for file in _list(path, suffix)),
        key=lambda file: (file.stem, str(file)),
    )
    if not files:
        names = ', '.join(map(str, paths))
        raise InputError(f'{names}: no *{suffix} file found, expected some in the folder or zip')
    for first, second in itertools.pairwise(files):
        if first.stem == second.stem:
            raise InputError(f'{second}: the same sample as {first}, expected each name once')
    return files


def _list(source: Path, suffix: str) -> list[RawFile]:
    if not source.exists():
        raise InputError(f'{source}: no such folder or zip')
    if source.is_dir():
        paths = source.rglob(f'*{suffix}')
        return [
            RawFile(path)
            for path in paths
            if not _is_junk(path.relative_to(source).as_posix()) and path.is_file()
        ]
    try:
        with zipfile.ZipFile(source) as archive:
            members = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputError(f'{source}: expected a folder or a zip: {error}') from error
    return [
        RawFile(source, member)
        for member in members
        if member.endswith(suffix) and not _is_junk(member)
    ]


def _is_junk(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return '__MACOSX' in parts or parts[-1].startswith('._')
