"""What a check of annotations finds."""

from dataclasses import dataclass
from typing import Literal

from csre_mm.datasets.plain_values import brief

Severity = Literal['error', 'warning']


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with an annotation file.

    Attributes:
        severity: ``'error'`` if it ends a run or makes its result worthless, ``'warning'`` if the
            run goes through and is worse for it.
        kind: What findings are grouped by.
        sample: The sample's ``frame_dir``, or its position in the file if it has none; None if it
            concerns no single sample.
        field: Field of the annotation, split or config key.
        found: What is there, to be read after the field: 'is -1'.
        expected: What should be there: 'an integer from 0'.
    """

    severity: Severity
    kind: str
    sample: str | int | None
    field: str
    found: str
    expected: str

    def __str__(self) -> str:
        where = '' if self.sample is None else f'sample {brief(self.sample)}: '
        return f'{where}{self.field} {self.found}, expected {self.expected}'
