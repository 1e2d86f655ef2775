"""Names of the classes, from label 0 on, and the lists in ``class_lists``.

The lists of NTU RGB+D 60 and 120 are those of the authors' page, https://github.com/shahroudy/NTURGB-D
(A1 is label 0; two misspelt words are corrected), that of NW-UCLA follows Wang et al.,
CVPR 2014, that of UTD-MHAD Chen et al., ICIP 2015.
"""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from csre_mm.utils.config import innermost_datasets, read_config
from csre_mm.utils.errors import CONTROL, InputError
from csre_mm.utils.files import read_lines

_FOLDER = Path(__file__).with_name('class_lists')
CLASS_NAMES: dict[str, tuple[str, ...]] = {
    name: tuple(read_lines(_FOLDER / f'{name}.txt', 'class names'))
    for name in ('ntu120', 'nwucla', 'utd_mhad', 'synthetic')
}
CLASS_NAMES['ntu60'] = CLASS_NAMES['ntu120'][:60]
"""By the name that the commands accept."""
SYNTHETIC = CLASS_NAMES['synthetic']
"""Classes of the recordings that tools/data/make_synthetic.py writes."""

_OF_FILE = {
    'ntu60_3d': 'ntu60',
    'ntu120_3d': 'ntu120',
    'nw_ucla': 'nwucla',
    'utd_mhad': 'utd_mhad',
    'demo': 'synthetic',
}
"""The data set in an annotation file, by the file's name in the shipped configs."""


def find_class_names(
    given: str | os.PathLike | Sequence[str] | None, num_classes: int, ann_file: str = ''
) -> list[str]:
    """Names of all classes of a model.

    Args:
        given: A key of :data:`CLASS_NAMES`, a text file with one name per line, a config
            (``*.py``, its ``data.class_names``), the names, or None: then those of the data set in
            ``ann_file`` or, if that is not known, the labels.
        num_classes: Classes of the model.
        ann_file: The annotation file of the config.

    Returns:
        ``num_classes`` names; ``class LABEL`` for labels that the synthetic recordings lack.

    Raises:
        InputError: If there is no such list or file, it has another number of names, or a name
            comes twice.

    Example:
        >>> find_class_names('nwucla', 10)[3]
        'walk around'
        >>> find_class_names(None, 2)
        ['0', '1']
    """
    source, names = _look_up(given, num_classes, ann_file)
    if names is SYNTHETIC:  # the demo's classifier has all classes of NTU RGB+D 60
        names = [*names, *(f'class {label}' for label in range(len(names), num_classes))]
    for name in names:
        if CONTROL.search(name):
            raise InputError(f'{source}: the name {name!r:.80} has a control character')
    if len(names) != num_classes:
        raise InputError(
            f'{source} has {len(names)} names, expected one for each of {num_classes} classes'
        )
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise InputError(f'{source}: several classes have the name {twice[0]!r:.80}')
    return list(names)


def _look_up(
    given: str | os.PathLike | Sequence[str] | None, num_classes: int, ann_file: str
) -> tuple[str, Sequence[str]]:
    """The source of the names, for messages, and the names."""
    if given is None:
        known = CLASS_NAMES.get(_OF_FILE.get(Path(ann_file).stem, ''), ())
        padded = known is SYNTHETIC and num_classes > len(known)
        if known and (len(known) == num_classes or padded):
            return 'class names', known
        return 'class names', [str(label) for label in range(num_classes)]
    if isinstance(given, str) and given in CLASS_NAMES:
        return f'class names {given}', CLASS_NAMES[given]
    if isinstance(given, str | os.PathLike) and Path(given).suffix == '.py':
        return _look_up_in_config(str(given), num_classes)
    if isinstance(given, str | os.PathLike):
        if not Path(given).is_file():
            raise InputError(
                f'class names {given}: no such file, and none of {", ".join(sorted(CLASS_NAMES))}'
            )
        return f'class names {given}', read_lines(given, 'class names')
    if not isinstance(given, Sequence) or not all(isinstance(name, str) for name in given):
        raise InputError(f'class names {given!r:.40}: expected a list, a file or the names')
    return 'the list of class names', list(given)


def _look_up_in_config(path: str, num_classes: int) -> tuple[str, Sequence[str]]:
    cfg = read_config(path)
    data = cfg.get('data') or {}
    datasets = innermost_datasets(cfg, 'test_dataloader') if cfg.get('test_dataloader') else []
    ann_file = data.get('ann_file') or (datasets[0][1].get('ann_file') if datasets else None)
    return _look_up(data.get('class_names'), num_classes, ann_file or '')
