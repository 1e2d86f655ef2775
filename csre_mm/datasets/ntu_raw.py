"""Parser of the raw skeleton files of NTU RGB+D.

A file is text: the number of frames; a frame is its number of bodies; a body is a line of ten
values of which the first is its id, the number of joints, and a line of twelve values a joint, of
which the first three are x, y, z in metres, in the coordinates of the camera.
"""

from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from csre_mm.utils.errors import InputError

NUM_JOINTS = 25
_BODY_VALUES = 10
_JOINT_VALUES = 12


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


@dataclass
class _Track:
    """What is collected of a body while the file is read."""

    frames: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """Index of the line of the first joint, for each frame."""
    coordinates: list[float] = field(default_factory=list)


def parse_skeleton(data: bytes, name: str) -> list[RawBody]:
    """Parse one ``.skeleton`` file.

    Only the coordinates are converted: other columns hold things like ``-1.#IND`` at times.

    Args:
        data: The content of the file.
        name: The name of the file in messages.

    Returns:
        The bodies in the order of their first appearance, possibly none.

    Raises:
        InputError: With the line, if the file is empty, ends early or goes on after its last frame,
            or holds something else than the numbers that belong there.
    """
    reader = _Reader(data, name)
    tracks: dict[int, _Track] = {}
    num_frames = reader.read_count('the number of frames')
    for frame in range(num_frames):
        where = f' of frame {frame + 1} of {num_frames}'
        for _ in range(reader.read_count('the number of bodies', where)):
            body_id = reader.read_body_id(where)
            track = tracks.setdefault(body_id, _Track())
            if track.frames and track.frames[-1] == frame:
                raise reader.error(f'body {body_id} comes twice in frame {frame + 1}')
            track.frames.append(frame)
            reader.read_joint_count(where)
            track.lines.append(reader.position)
            track.coordinates += reader.read_joints(where)
    reader.check_end(num_frames)
    return [_finish(body_id, track, name) for body_id, track in tracks.items()]


def _finish(body_id: int, track: _Track, name: str) -> RawBody:
    with np.errstate(over='ignore'):
        joints = np.array(track.coordinates).astype(np.float32)
    joints = joints.reshape(-1, NUM_JOINTS, 3)  # (T, V, 3)
    if not np.isfinite(joints).all():
        frame, joint, axis = np.argwhere(~np.isfinite(joints))[0].tolist()
        line = track.lines[frame] + joint + 1
        raise InputError(
            f'{name}: line {line}: {"xyz"[axis]} of joint {joint + 1} is '
            f'{joints[frame, joint, axis]}, expected a finite number of metres'
        )
    return RawBody(body_id, np.array(track.frames), joints)


class _Reader:
    """Walks over the lines of a file; every complaint names the line."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self.lines = data.rstrip().splitlines()
        self.position = 0
        if not self.lines:
            raise InputError(f'{name}: line 1: the file is empty, expected the number of frames')

    def error(self, message: str) -> InputError:
        """An error about the line that was read last."""
        return InputError(f'{self.name}: line {self.position}: {message}')

    def _next(self, expected: str) -> bytes:
        if self.position == len(self.lines):
            raise self.error(f'the file ends after this line, expected {expected}')
        self.position += 1
        return self.lines[self.position - 1]

    def _unexpected(self, line: bytes, expected: str) -> InputError:
        text = line.decode('ascii', 'replace').strip()
        text = text if len(text) <= 40 else f'{text[:37]}...'
        return self.error(f'found {text!r}, expected {expected}')

    def read_count(self, what: str, where: str = '') -> int:
        line = self._next(what + where)
        if not line.strip().isdigit():
            raise self._unexpected(line, what + where)
        return int(line)

    def read_body_id(self, where: str) -> int:
        expected = f'the {_BODY_VALUES} values of a body{where}'
        line = self._next(expected)
        values = line.split()
        try:
            if len(values) == _BODY_VALUES:
                return int(values[0])
        except ValueError:
            pass
        raise self._unexpected(line, expected)

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

    def _find_bad_joint(self, where: str) -> InputError:
        for joint in range(NUM_JOINTS):
            expected = f'the {_JOINT_VALUES} numbers of joint {joint + 1}{where}'
            try:
                line = self._next(expected)
                row = line.split()
                if len(row) != _JOINT_VALUES:
                    return self._unexpected(line, f'{expected} and not {len(row)}')
                [float(value) for value in row[:3]]
            except InputError as error:
                return error
            except ValueError:
                return self._unexpected(line, expected)
        raise AssertionError('only called for a block with a bad line')

    def check_end(self, num_frames: int) -> None:
        if self.position < len(self.lines):
            line = self._next('')
            raise self._unexpected(line, f'the end of the file after its {num_frames} frames')
