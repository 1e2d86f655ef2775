"""Who performs a sample, by its name, and folds of a training set by its subjects."""

import itertools
import re
from collections.abc import Iterable, Sequence

from csre_mm.utils.errors import InputError

_PATTERNS = (
    re.compile(r'S\d{3}C\d{3}P(\d{3})R\d{3}A\d{3}', re.ASCII),  # NTU RGB+D
    re.compile(r'a\d{2}_s(\d{2})_e\d{2}_v\d{2}', re.ASCII),  # NW-UCLA
    re.compile(r'a\d{1,2}_s(\d)_t\d', re.ASCII),  # UTD-MHAD
)


def parse_subject(name: str) -> int:
    """The number of the subject in a sample's name.

    Args:
        name: ``SsssCcccPpppRrrrAaaa`` of NTU RGB+D, ``aAA_sSS_eEE_vVV`` of NW-UCLA, or
            ``aA_sS_tT`` of UTD-MHAD.

    Raises:
        InputError: If the name has another form.
    """
    for pattern in _PATTERNS:
        match = pattern.fullmatch(name)
        if match is not None:
            return int(match[1])
    raise InputError(
        f'the name {name!r} does not tell the subject: expected SsssCcccPpppRrrrAaaa (NTU RGB+D), '
        'aAA_sSS_eEE_vVV (NW-UCLA) or aA_sS_tT (UTD-MHAD)'
    )


def make_folds(names: Iterable[str], num_folds: int) -> list[list[int]]:
    """Divide the subjects of samples into folds, in the order of their numbers.

    Args:
        names: Names of the samples.
        num_folds: How many.

    Returns:
        Subjects of each fold. Their numbers differ by one at most, the last folds have more.

    Raises:
        InputError: If there are fewer subjects than folds, or less than two folds.
    """
    subjects = sorted({parse_subject(name) for name in names})
    if not 2 <= num_folds <= len(subjects):
        raise InputError(
            f'{num_folds} folds of {len(subjects)} subjects: expected from 2 to one a subject'
        )
    ends = [fold * len(subjects) // num_folds for fold in range(num_folds + 1)]
    return [subjects[first:end] for first, end in itertools.pairwise(ends)]


def keep_subjects(samples: Sequence[dict], subjects: Iterable[int]) -> list[dict]:
    """The samples of some subjects.

    Args:
        samples: Annotations with ``frame_dir``.
        subjects: Numbers of the subjects.

    Raises:
        InputError: If one of the subjects has no sample.
    """
    wanted = set(subjects)
    found = [(parse_subject(sample['frame_dir']), sample) for sample in samples]
    missing = wanted - {subject for subject, _ in found}
    if missing:
        known = sorted({subject for subject, _ in found})
        raise InputError(f'no sample of the subjects {sorted(missing)}; there are {known}')
    return [sample for subject, sample in found if subject in wanted]
