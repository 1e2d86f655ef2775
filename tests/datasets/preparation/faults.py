"""Raw files with one fault each, and the expected outcome of the preparation."""

from typing import NamedTuple

import numpy as np

from tests.ntu_files import FIRST, SECOND, THIRD, body_lines, moving

NUM_FRAMES = 40
ALL = range(NUM_FRAMES)
ONE, TWO = moving(NUM_FRAMES, 0.05), moving(NUM_FRAMES, 0.1, seed=1)


class Fault(NamedTuple):
    """A file of action 1 or 11 that gives ``persons`` actors, or is rejected for ``reason``."""

    data: bytes
    persons: int = 0
    reason: str | None = None
    action: int = 1
    name: str | None = None


def film(*tracks):
    """A raw file of tracks: a body's id, its joints (T, 25, 3), the frames in which it is."""
    lines = [str(NUM_FRAMES)]
    for time in ALL:
        bodies = [(body_id, joints[time]) for body_id, joints, frames in tracks if time in frames]
        lines += [str(len(bodies)), *(line for body in bodies for line in body_lines(*body))]
    return '\n'.join(lines).encode()


def without(start, end):
    return {*ALL} - {*range(start, end)}


def with_line(data, index, line):
    lines = data.split(b'\n')
    lines[index] = line(lines[index])
    return b'\n'.join(lines)


GOOD = film((FIRST, ONE, ALL))
STILL = np.broadcast_to(ONE[:1] + 0.6, ONE.shape)
CHAIR = ONE * (4, 0.3, 1) + np.sin(np.arange(NUM_FRAMES))[:, None, None]
FAULTS = {
    'frames without a body': Fault(film((FIRST, ONE, without(5, 9))), 1),
    'a body that appears late': Fault(
        film((FIRST, ONE, ALL), (SECOND, TWO, without(0, 15))), 2, action=11
    ),
    'a body that is away for a while': Fault(
        film((FIRST, ONE, ALL), (SECOND, TWO, without(12, 22))), 2, action=11
    ),
    'a person with two ids, one after the other': Fault(
        film((FIRST, ONE, range(20)), (SECOND, ONE, without(0, 20))), 1
    ),
    'more than two bodies': Fault(
        film((FIRST, ONE, ALL), (SECOND, TWO, ALL), (THIRD, STILL, ALL)), 2, action=11
    ),
    'a detection that is no person': Fault(film((FIRST, ONE, ALL), (SECOND, CHAIR, ALL)), 1),
    'a detection of a moment': Fault(film((FIRST, ONE, ALL), (SECOND, TWO, range(6))), 1),
    'an id twice in a frame': Fault(film((FIRST, ONE, ALL), (FIRST, ONE + 1, range(10, 13))), 1),
    'joints at zero': Fault(film((FIRST, 0 * ONE, ALL)), reason='no body'),
    'no body': Fault(film(), reason='no body'),
    'short bodies only': Fault(
        film((FIRST, ONE, range(7)), (SECOND, TWO, range(7))), reason='no actor', action=11
    ),
    'a truncated file': Fault(GOOD.rsplit(b'\n', 600)[0], reason='truncated'),
    'an empty file': Fault(b'', reason='empty file'),
    'a damaged line': Fault(with_line(GOOD, 500, lambda _: b'x \x00 y'), reason='malformed'),
    'a coordinate that is no number': Fault(
        with_line(GOOD, 10, lambda line: b'nan' + line[line.index(b' ') :]), reason='malformed'
    ),
    'a bad name': Fault(GOOD, reason='bad name', name='S001C001P106'),
}
"""Each fault by its description."""


def fault_files():
    """Name without suffix and fault of each file; the performer is 106."""
    for index, fault in enumerate(FAULTS.values()):
        name = f'S{index // 3 + 1:03}C{index % 3 + 1:03}P106R001A{fault.action:03}'
        yield fault.name or name, fault


def write_faults(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, fault in fault_files():
        (folder / f'{name}.skeleton').write_bytes(fault.data)
