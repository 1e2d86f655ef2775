"""Raw NTU files for tests, written without the package, and the command that reads them."""

import json
from pathlib import Path

import numpy as np

from csre_mm.datasets.preparation.ntu.annotation import make_sample

FIRST, SECOND, THIRD = 72057594037931690, 72057594037931691, 72057594037931692
"""Ids that float64 cannot tell apart."""
NAME = 'S001C002P003R002A013'


def make_annotation(*args, **kwargs):
    """The annotation of a raw file, without the counts of the cleaning."""
    return make_sample(*args, **kwargs)[0]


def body_lines(body_id, joints):
    """The lines of one body (25, 3) in one frame."""
    return [
        f'{body_id} 0 1 1 1 1 0 0.02 -0.3 2',
        '25',
        *(f'{x} {y} {z} 3 4 -1.#IND nan 0 0 0 1 2' for x, y, z in joints.tolist()),
    ]


def skeleton_lines(frames):
    """The lines of a raw file; a frame is {body id: joints (25, 3)}."""
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for body_id, joints in bodies.items():
            lines += body_lines(body_id, joints)
    return lines


def skeleton(frames, newline='\r\n'):
    return ''.join(line + newline for line in skeleton_lines(frames)).encode()


def moving(num_frames, step, seed=0):
    """Joints (T, 25, 3) of a body higher than wide, whose motion grows with ``step``."""
    rng = np.random.default_rng(seed)
    start = (rng.normal(size=(25, 3)) * [0.2, 1, 0.2]).astype(np.float32)
    start[0, 1], start[1, 1] = 2, -2
    times = np.arange(num_frames, dtype=np.float32)
    return start + np.float32(step) * times[:, None, None]


def simple(num_frames=2):
    return skeleton([{FIRST: joints} for joints in moving(num_frames, 0.1)])


def write_raw(folder, names, num_frames=2):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f'{name}.skeleton').write_bytes(simple(num_frames))


def report_of(path='data.report.json'):
    return json.loads(Path(path).read_text())
