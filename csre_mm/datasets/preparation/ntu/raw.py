"""Parser of the raw skeleton files of NTU RGB+D.

A file is text: the number of frames; a frame is its number of bodies; a body is a line of ten
values of which the first is its id, the number of joints, and a line of twelve values a joint, of
which the first three are x, y, z in metres, in the coordinates of the camera.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import numpy as np

from csre_mm.utils.errors import InputError

BAD_NAME = 'bad name'
UNREADABLE = 'unreadable'
EMPTY = 'empty file'
TRUNCATED = 'truncated'
MALFORMED = 'malformed'
NO_BODY = 'no body'
NO_ACTOR = 'no actor'

REASONS = {
    BAD_NAME: 'the name is not SsssCcccPpppRrrrAaaa of the data set',
    UNREADABLE: 'the file, or its part of the zip, cannot be read',
    EMPTY: 'the file is empty',
    TRUNCATED: 'the file ends before its last frame',
    MALFORMED: 'the file holds something else than the expected numbers',
    NO_BODY: 'no body in any frame: a missing skeleton',
    NO_ACTOR: 'several bodies, all of them too short for the cleaning',
}
"""Why a raw file gives no sample, in the order of the steps."""

NUM_JOINTS = 25
LARGEST_COORDINATE = 1000.0
"""Metres. The sensor has a range of 8 m; what is beyond a kilometre is a broken number."""

_BODY_VALUES = 10
_JOINT_VALUES = 12
_MOST_DIGITS = 20
"""Of a count or an id. Ids have 17; Python refuses to read integers of some thousand digits."""


class RejectedError(InputError):
    """A raw file gives no sample; the reason is one of :data:`REASONS`."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, eq=False)
class RawBody:
    """One tracked body, T the number of frames in which it is present."""

    body_id: int  # the tracker's, of up to 17 digits
    frames: np.ndarray  # (T,), numbers in the file from 0, ascending
    joints: np.ndarray  # metres (T, V, 3), float32


class RawRecording(NamedTuple):
    """The content of one file."""

    bodies: list[RawBody]  # in the order of their first appearance, possibly none
    num_frames: int  # in the file
    num_repeated: int  # detections left out because another of the frame has the same id


@dataclass
class _Track:
    """The detections of a body while the file is read."""

    frames: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)  # before the first joint
    joints: list[list[float]] = field(default_factory=list)  # V * 3 coordinates each
    num_repeated: int = 0

    def add(self, frame: int, line: int, joints: list[float]) -> None:
        """Add a detection; of several in a frame the one nearest to the frame before is kept."""
        if not self.frames or self.frames[-1] != frame:
            self.frames.append(frame)
            self.lines.append(line)
            self.joints.append(joints)
            return
        self.num_repeated += 1
        if len(self.joints) > 1:
            before, present = self.joints[-2:]
            if _distance(joints, before) < _distance(present, before):
                self.lines[-1], self.joints[-1] = line, joints


def _distance(first: list[float], second: list[float]) -> float:
    return sum(abs(a - b) for a, b in zip(first, second, strict=True))


def parse_skeleton(data: bytes, name: str) -> RawRecording:
    """Parse the content of one ``.skeleton`` file, which messages call ``name``.

    Only the coordinates are converted: other columns hold values like ``-1.#IND`` at times. The
    time is proportional to the number of lines, whatever counts the file claims. A
    ``RejectedError`` names the line of what is wrong.
    """
    reader = _Reader(data, name)
    tracks: dict[int, _Track] = {}
    num_frames = reader.read_integer('the number of frames')
    for frame in range(num_frames):
        where = f' of frame {frame + 1} of {num_frames}'
        for _ in range(reader.read_integer(f'the number of bodies{where}')):
            body_id = reader.read_integer(
                f'the {_BODY_VALUES} values of a body{where}', _BODY_VALUES
            )
            reader.read_integer(f'the number of joints {NUM_JOINTS}{where}', only=NUM_JOINTS)
            track, line = tracks.setdefault(body_id, _Track()), reader.position
            track.add(frame, line, reader.read_joints(where))
    reader.check_end(num_frames)
    bodies = [_finish(body_id, track, name) for body_id, track in tracks.items()]
    return RawRecording(bodies, num_frames, sum(track.num_repeated for track in tracks.values()))


def _finish(body_id: int, track: _Track, name: str) -> RawBody:
    values = np.fromiter(chain.from_iterable(track.joints), np.float64)
    values = values.reshape(-1, NUM_JOINTS, 3)  # (T, V, 3)
    bad = ~(np.abs(values) <= LARGEST_COORDINATE)  # true for NaN, too
    if bad.any():
        frame, joint, axis = np.argwhere(bad)[0].tolist()
        line = track.lines[frame] + joint + 1
        raise RejectedError(
            f'{name}: line {line}: {"xyz"[axis]} of joint {joint + 1} is '
            f'{values[frame, joint, axis]:g}, expected metres, up to {LARGEST_COORDINATE:g}',
            MALFORMED,
        )
    return RawBody(body_id, np.array(track.frames), values.astype(np.float32))


class _Reader:
    """Reads a file line by line; every message names the line."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self.has_line_end = data.endswith((b'\n', b'\r'))
        self.lines = data.rstrip().splitlines()
        self.position = 0
        """Number of lines that were read."""
        if not self.lines:
            raise RejectedError(
                f'{name}: line 1: the file is empty, expected the number of frames', EMPTY
            )
        if b'_' in data:  # Python would read 1_000 as a number
            while b'_' not in self._next(''):
                pass
            raise self._unexpected('numbers')

    def _next(self, expected: str) -> bytes:
        if self.position == len(self.lines):
            message = f'the file ends after this line, expected {expected}'
            raise RejectedError(f'{self.name}: line {self.position}: {message}', TRUNCATED)
        self.position += 1
        return self.lines[self.position - 1]

    def _unexpected(self, expected: str) -> RejectedError:
        text = self.lines[self.position - 1].decode('ascii', 'replace').strip()
        text = text if len(text) <= 40 else f'{text[:37]}...'
        cut = not self.has_line_end and self.position == len(self.lines) > 1
        message = f'line {self.position}: found {text!r}, expected {expected}'
        return RejectedError(f'{self.name}: {message}', TRUNCATED if cut else MALFORMED)

    def read_integer(self, expected: str, num_values: int = 1, only: int | None = None) -> int:
        """The first value, a count or an id, of a line of ``num_values``."""
        values = self._next(expected).split()
        if len(values) != num_values or not values[0].isdigit() or len(values[0]) > _MOST_DIGITS:
            raise self._unexpected(expected)
        if only is not None and int(values[0]) != only:
            raise self._unexpected(expected)
        return int(values[0])

    def read_joints(self, where: str) -> list[float]:
        """The V * 3 coordinates of a body in a frame."""
        rows = [line.split() for line in self.lines[self.position : self.position + NUM_JOINTS]]
        if len(rows) == NUM_JOINTS and {len(row) for row in rows} == {_JOINT_VALUES}:
            with suppress(ValueError):
                values = list(map(float, chain.from_iterable(row[:3] for row in rows)))
                self.position += NUM_JOINTS
                return values
        raise self._find_bad_joint(where)

    def _find_bad_joint(self, where: str) -> RejectedError:
        for joint in range(1, NUM_JOINTS + 1):
            expected = f'the {_JOINT_VALUES} numbers of joint {joint}{where}'
            row = self._next(expected).split()
            if len(row) != _JOINT_VALUES:
                return self._unexpected(f'{expected} and not {len(row)}')
            try:
                [float(value) for value in row[:3]]
            except ValueError:
                return self._unexpected(expected)
        raise AssertionError('only called for a block with a bad line')

    def check_end(self, num_frames: int) -> None:
        if self.position < len(self.lines):
            self.position += 1
            raise self._unexpected(f'the end of the file after its {num_frames} frames')
