"""The subjects of samples, by their names, and folds of a training set by subject."""

import itertools
import re
from collections.abc import Iterable, Sequence

from csre_mm.utils.errors import InputError

_NAME = re.compile(
    r'S\d{3}C\d{3}P(\d{3})R\d{3}A\d{3}|a\d{2}_s(\d{2})_e\d{2}_v\d{2}|a\d{1,2}_s(\d)_t\d', re.ASCII
)


def parse_subject(name: str) -> int:
    """The number of the subject in a sample's name, of NTU RGB+D, NW-UCLA or UTD-MHAD."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise InputError(
            f'the subject of {name!r} is unknown: expected a name SsssCcccPpppRrrrAaaa '
            '(NTU RGB+D), aAA_sSS_eEE_vVV (NW-UCLA) or aA_sS_tT (UTD-MHAD)'
        )
    return int(match[1] or match[2] or match[3])


def make_folds(names: Iterable[str], num_folds: int) -> list[list[int]]:
    """Divide the subjects of samples into folds, in the order of their numbers.

    The folds differ in size by one at most; the last ones are larger.
    """
    subjects = sorted({parse_subject(name) for name in names})
    if not 2 <= num_folds <= len(subjects):
        raise InputError(
            f'{num_folds} folds of {len(subjects)} subjects: expected 2 to one per subject'
        )
    ends = [fold * len(subjects) // num_folds for fold in range(num_folds + 1)]
    return [subjects[first:end] for first, end in itertools.pairwise(ends)]


def keep_subjects(samples: Sequence[dict], subjects: Iterable[int]) -> list[dict]:
    """The samples of some subjects, each of which has to have one."""
    wanted = set(subjects)
    if not wanted:
        raise InputError('the list of subjects is empty')
    found = [parse_subject(sample['frame_dir']) for sample in samples]
    if not wanted <= set(found):
        missing, known = sorted(wanted - set(found)), sorted(set(found))
        raise InputError(f'no sample of the subjects {missing}; there are {known}')
    return [sample for sample, subject in zip(samples, found, strict=True) if subject in wanted]
