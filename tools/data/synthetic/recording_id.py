"""The numbers in the name of a recording."""

from dataclasses import dataclass

from csre_mm.utils.errors import InputError
from synthetic.classes import CLASSES

_LARGEST = {
    'setup': 32,
    'camera': 3,
    'performer': 106,
    'replication': 999,
    'action': len(CLASSES),
}


@dataclass(frozen=True, order=True)
class RecordingId:
    """Which recording; all numbers count from 1 as in NTU RGB+D 120.

    Args:
        setup: Number of the cameras' arrangement, up to 32.
        camera: 1, 2 or 3.
        performer: Number of the subject, up to 106.
        replication: How often the performer has done it, counting this time.
        action: Number of the class, up to ``len(CLASS_NAMES)``.

    Raises:
        InputError: If a number is out of range.
    """

    setup: int
    camera: int
    performer: int
    replication: int
    action: int

    def __post_init__(self) -> None:
        for field, largest in _LARGEST.items():
            number = getattr(self, field)
            if not 1 <= number <= largest:
                raise InputError(f'{field} {number} is out of range, expected 1 to {largest}')

    @property
    def file_name(self) -> str:
        """``SsssCcccPpppRrrrAaaa.skeleton``."""
        return (
            f'S{self.setup:03d}C{self.camera:03d}P{self.performer:03d}'
            f'R{self.replication:03d}A{self.action:03d}.skeleton'
        )
