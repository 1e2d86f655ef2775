"""Recordings with what goes wrong in the raw files of NTU RGB+D, one fault a file.

The cleaning of a preparation is not seen at work on good recordings. Each scene here starts from a
good one and gets one fault; :data:`FAULTS` says what
:func:`~csre_mm.datasets.preparation.ntu.annotation.make_annotation` is to make of it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from csre_mm.utils.files import atomic_path
from synthetic.camera import place_camera
from synthetic.performance import draw_performance
from synthetic.recording_id import RecordingId
from synthetic.rotations import FloatArray
from synthetic.sensor import Sensed
from synthetic.skeleton_file import skeleton_text

PERFORMER = 106
"""Of all faulty recordings, so that their names are no others'."""

_ONE_PERSON, _TWO_PERSONS = 1, 11
"""Actions."""


@dataclass(frozen=True)
class Scene:
    """What a sensor delivered; M bodies, T frames.

    Args:
        joints: (M, T, 25, 3), metres, in the camera's coordinates.
        present: (M, T), whether the body is in the frame.
        body_ids: M numbers.
    """

    joints: FloatArray
    present: np.ndarray
    body_ids: tuple[int, ...]

    def text(self) -> str:
        """The file."""
        shape = self.present.shape
        sensed = Sensed(self.joints, np.full((*shape, 25), 2), self.present)
        rotations = np.broadcast_to(np.eye(3), (*shape, 25, 3, 3))
        return skeleton_text(sensed, rotations, self.body_ids, np.ones((*shape, 4), np.int64))

    def but(self, body: int, *, frames: slice, here: bool) -> 'Scene':
        """The same with a body that is, or is not, in some frames."""
        present = self.present.copy()
        present[body, frames] = here
        return replace(self, present=present)

    def plus(self, joints: FloatArray, body_id: int | None = None) -> 'Scene':
        """The same with a further body (T, 25, 3), in all frames."""
        return Scene(
            np.concatenate([self.joints, joints[None]]),
            np.concatenate([self.present, np.ones_like(self.present[:1])]),
            (*self.body_ids, max(self.body_ids) + 1 if body_id is None else body_id),
        )


def _lost_frames(scene: Scene) -> str:
    return scene.but(0, frames=slice(5, 9), here=False).text()


def _late(scene: Scene) -> str:
    return scene.but(1, frames=slice(0, 15), here=False).text()


def _comes_back(scene: Scene) -> str:
    """The second body is lost for ten frames and keeps its id."""
    return scene.but(1, frames=slice(12, 22), here=False).text()


def _new_id(scene: Scene) -> str:
    """The only person is lost half-way and found again at once, under another id."""
    scene = scene.plus(scene.joints[0])
    return (
        scene.but(0, frames=slice(20, None), here=False).but(1, frames=slice(20), here=False).text()
    )


def _bystander(scene: Scene) -> str:
    """A third body stands behind two actors."""
    still = np.broadcast_to(scene.joints[0, :1], scene.joints[0].shape)
    return scene.plus(still + np.array([0.6, 0, 0.8])).text()


def _furniture(scene: Scene) -> str:
    """A body that is wider than high, and jumps about more than any person."""
    chair = scene.joints[0] * (4, 0.3, 1) + np.sin(np.arange(scene.joints.shape[1]))[:, None, None]
    return scene.plus(chair).text()


def _ghost(scene: Scene) -> str:
    """A body of six frames."""
    return scene.plus(scene.joints[0] + 0.5).but(1, frames=slice(6, None), here=False).text()


def _repeated(scene: Scene) -> str:
    """An id comes twice in three frames; what comes second is a metre away."""
    scene = scene.plus(scene.joints[0] + 1, scene.body_ids[0])
    present = scene.present.copy()
    present[1] = False
    present[1, 10:13] = True
    return replace(scene, present=present).text()


def _zeros(scene: Scene) -> str:
    """Joints at the camera itself: nobody."""
    head, *rest = scene.text().splitlines(keepends=True)
    return head + ''.join(re.sub(r'^(\S+ ){3}(?=(\S+ ){8}\S+$)', '0 0 0 ', line) for line in rest)


def _no_body(scene: Scene) -> str:
    return f'{scene.present.shape[1]}\n' + '0\n' * scene.present.shape[1]


def _all_short(scene: Scene) -> str:
    """Two bodies of seven frames each."""
    return (
        scene.but(0, frames=slice(7, None), here=False)
        .but(1, frames=slice(7, None), here=False)
        .text()
    )


def _truncated(scene: Scene) -> str:
    text = scene.text()
    return text[: len(text) // 2]


def _damaged(scene: Scene) -> str:
    """A line of another file in the middle."""
    lines = scene.text().splitlines(keepends=True)
    lines[len(lines) // 2] = 'x \x00 y\n'
    return ''.join(lines)


def _not_a_number(scene: Scene) -> str:
    lines = scene.text().splitlines(keepends=True)
    lines[10] = 'nan' + lines[10][lines[10].index(' ') :]
    return ''.join(lines)


@dataclass(frozen=True)
class Fault:
    """One fault.

    Args:
        make: The text of the file, from a good recording.
        action: The class of that recording.
        persons: Actors that are to come out of it; 0 if the file is to be rejected.
        reason: Then, one of :data:`~csre_mm.datasets.preparation.ntu.rejection.REASONS`.
        name: The file's, if it is to be another than its numbers make.
    """

    make: Callable[[Scene], str]
    action: int = _ONE_PERSON
    persons: int = 0
    reason: str | None = None
    name: str | None = None


FAULTS: dict[str, Fault] = {
    'frames without a body': Fault(_lost_frames, persons=1),
    'a body that appears late': Fault(_late, _TWO_PERSONS, 2),
    'a body that is away for a while': Fault(_comes_back, _TWO_PERSONS, 2),
    'a person with two ids, one after the other': Fault(_new_id, persons=1),
    'more than two bodies': Fault(_bystander, _TWO_PERSONS, 2),
    'a detection that is no person': Fault(_furniture, persons=1),
    'a detection of a moment': Fault(_ghost, persons=1),
    'an id twice in a frame': Fault(_repeated, persons=1),
    'joints at zero': Fault(_zeros, reason='no body'),
    'no body': Fault(_no_body, reason='no body'),
    'short bodies only': Fault(_all_short, _TWO_PERSONS, reason='no actor'),
    'a truncated file': Fault(_truncated, reason='truncated'),
    'an empty file': Fault(lambda scene: '', reason='empty file'),
    'a damaged line': Fault(_damaged, reason='malformed'),
    'a coordinate that is no number': Fault(_not_a_number, reason='malformed'),
    'a bad name': Fault(Scene.text, reason='bad name', name='S001C001P106.skeleton'),
}
"""Each fault by its name."""


def fault_files(seed: int) -> Iterator[tuple[str, str, Fault]]:
    """The file name, the text and the fault of each recording; the seed decides on all of it."""
    for index, fault in enumerate(FAULTS.values()):
        setup, camera = index // 3 + 1, index % 3 + 1
        recording = RecordingId(setup, camera, PERFORMER, 1, fault.action)
        performance = draw_performance(seed, recording)
        joints = place_camera(setup, camera).joints(performance)
        scene = Scene(joints, np.ones(joints.shape[:2], bool), performance.body_ids)
        yield fault.name or recording.file_name, fault.make(scene), fault


def write_faults(folder: Path, seed: int) -> list[str]:
    """Write one file of each fault.

    Returns:
        Their names.
    """
    names = []
    for name, text, _ in fault_files(seed):
        with atomic_path(folder / name) as path:
            path.write_bytes(text.encode('ascii'))
        names.append(name)
    return names
