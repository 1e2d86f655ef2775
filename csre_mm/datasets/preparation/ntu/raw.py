"""Parser of the raw skeleton files of NTU RGB+D.

A file is text: the number of frames; a frame is its number of bodies; a body is a line of ten
values of which the first is its id, the number of joints, and a line of twelve values a joint, of
which the first three are x, y, z in metres, in the coordinates of the camera.
"""

from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from csre_mm.datasets.preparation.ntu.rejection import EMPTY, MALFORMED, TRUNCATED, RejectedError

NUM_JOINTS = 25
LARGEST_COORDINATE = 1000.0
"""Metres. The sensor sees 8 m far; what is beyond a kilometre is a broken number."""

_BODY_VALUES = 10
_JOINT_VALUES = 12
_MOST_DIGITS = 20
"""Of a count or an id, which has 17; Python itself refuses to read some thousands."""


@dataclass(frozen=True, eq=False)
class RawBody:
    """One tracked body, T the number of frames in which it is present.

    Args:
        body_id: The tracker's id, an integer of up to 17 digits.
        frames: The numbers of these frames in the file, from 0, ascending. Shape (T,).
        joints: Coordinates in metres. Shape (T, V, 3), float32.
    """

    body_id: int
    frames: np.ndarray
    joints: np.ndarray


@dataclass(frozen=True, eq=False)
class RawRecording:
    """What is in one file.

    Args:
        bodies: In the order of their first appearance, possibly none.
        num_frames: Frames in the file.
        num_empty: Those of them without a body.
        num_repeated: Detections left out because their id was in the frame before.
    """

    bodies: list[RawBody]
    num_frames: int
    num_empty: int
    num_repeated: int


@dataclass
class _Track:
    """What is collected of a body while the file is read."""

    frames: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """Index of the line of the first joint, for each frame."""
    joints: list[list[float]] = field(default_factory=list)
    """V * 3 coordinates for each frame."""
    num_repeated: int = 0

    def add(self, frame: int, line: int, joints: list[float]) -> None:
        """Add a detection.

        An id stands for one person. If it comes more than once in a frame, the detection that is
        nearest to where the body was in its frame before stays; without one, the first does.
        """
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
    """Parse one ``.skeleton`` file.

    Only the coordinates are converted: other columns hold things like ``-1.#IND`` at times. Takes
    time in proportion to the number of lines, whatever counts stand in them.

    Args:
        data: The content of the file.
        name: The name of the file in messages.

    Raises:
        RejectedError: With the line, if the file is empty, ends early or goes on after its last
            frame, or holds something else than the numbers that belong there.
    """
    reader = _Reader(data, name)
    tracks: dict[int, _Track] = {}
    num_empty = 0
    num_frames = reader.read_count('the number of frames')
    for frame in range(num_frames):
        where = f' of frame {frame + 1} of {num_frames}'
        num_bodies = reader.read_count('the number of bodies', where)
        num_empty += num_bodies == 0
        for _ in range(num_bodies):
            track = tracks.setdefault(reader.read_body_id(where), _Track())
            reader.read_joint_count(where)
            line = reader.position
            track.add(frame, line, reader.read_joints(where))
    reader.check_end(num_frames)
    bodies = [_finish(body_id, track, name) for body_id, track in tracks.items()]
    num_repeated = sum(track.num_repeated for track in tracks.values())
    return RawRecording(bodies, num_frames, num_empty, num_repeated)


def _finish(body_id: int, track: _Track, name: str) -> RawBody:
    values = np.fromiter(chain.from_iterable(track.joints), np.float64)
    values = values.reshape(-1, NUM_JOINTS, 3)  # (T, V, 3)
    # Written so that NaN is bad, too.
    bad = ~(np.abs(values) <= LARGEST_COORDINATE)
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
    """Walks over the lines of a file; every complaint names the line."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self.ends_in_a_line = not data.endswith((b'\n', b'\r'))
        self.lines = data.rstrip().splitlines()
        self.position = 0
        if not self.lines:
            raise RejectedError(
                f'{name}: line 1: the file is empty, expected the number of frames', EMPTY
            )
        if b'_' in data:  # which Python would read as part of a number: 1_000
            while b'_' not in self._next(''):
                pass
            raise self._unexpected(self.lines[self.position - 1], 'numbers')

    def _error(self, message: str, reason: str = MALFORMED) -> RejectedError:
        """An error about the line that was read last."""
        return RejectedError(f'{self.name}: line {self.position}: {message}', reason)

    def _next(self, expected: str) -> bytes:
        if self.position == len(self.lines):
            raise self._error(f'the file ends after this line, expected {expected}', TRUNCATED)
        self.position += 1
        return self.lines[self.position - 1]

    def _unexpected(self, line: bytes, expected: str) -> RejectedError:
        text = line.decode('ascii', 'replace').strip()
        text = text if len(text) <= 40 else f'{text[:37]}...'
        cut = self.ends_in_a_line and self.position == len(self.lines) > 1
        reason = TRUNCATED if cut else MALFORMED
        return self._error(f'found {text!r}, expected {expected}', reason)

    def read_count(self, what: str, where: str = '') -> int:
        line = self._next(what + where)
        text = line.strip()
        if not text.isdigit() or len(text) > _MOST_DIGITS:
            raise self._unexpected(line, what + where)
        return int(text)

    def read_body_id(self, where: str) -> int:
        expected = f'the {_BODY_VALUES} values of a body{where}'
        line = self._next(expected)
        values = line.split()
        if len(values) != _BODY_VALUES or not values[0].isdigit() or len(values[0]) > _MOST_DIGITS:
            raise self._unexpected(line, expected)
        return int(values[0])

    def read_joint_count(self, where: str) -> None:
        expected = f'the number of joints {NUM_JOINTS}{where}'
        line = self._next(expected)
        if line.strip() != str(NUM_JOINTS).encode():
            raise self._unexpected(line, expected)

    def read_joints(self, where: str) -> list[float]:
        """The V * 3 coordinates of a body in a frame."""
        block = self.lines[self.position : self.position + NUM_JOINTS]
        rows = [line.split() for line in block]
        if len(rows) == NUM_JOINTS and {len(row) for row in rows} == {_JOINT_VALUES}:
            try:
                values = list(map(float, chain.from_iterable(row[:3] for row in rows)))
            except ValueError:
                pass
            else:
                self.position += NUM_JOINTS
                return values
        raise self._find_bad_joint(where)

    def _find_bad_joint(self, where: str) -> RejectedError:
        for joint in range(NUM_JOINTS):
            expected = f'the {_JOINT_VALUES} numbers of joint {joint + 1}{where}'
            try:
                line = self._next(expected)
                row = line.split()
                if len(row) != _JOINT_VALUES:
                    return self._unexpected(line, f'{expected} and not {len(row)}')
                [float(value) for value in row[:3]]
            except RejectedError as error:
                return error
            except ValueError:
                return self._unexpected(line, expected)
        raise AssertionError('only called for a block with a bad line')

    def check_end(self, num_frames: int) -> None:
        if self.position < len(self.lines):
            line = self._next('')
            text = line.decode('ascii', 'replace').strip()
            raise self._error(
                f'found {text!r:.40}, expected the end of the file after its {num_frames} frames'
            )
