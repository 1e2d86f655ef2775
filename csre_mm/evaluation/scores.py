"""Score files of csre_mm, mmaction2 and code of CTR-GCN's kind, read without running code.

CTR-GCN, 2s-AGCN, Hyperformer, BlockGCN and the release of CSRE write ``epoch*_test_score.pkl``: a
pickled dictionary of a sample's name to its scores (C,), which are logits. It holds no labels. On
NTU RGB+D the names are ``test_0``, ``test_1``, ... or those of the raw files, on NW-UCLA integers.
"""

import os
import pickle
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from mmaction.registry import METRICS
from mmengine.evaluator import DumpResults
from mmengine.logging import print_log

from csre_mm.datasets.annotations import check_annotations, load_annotations, select_split
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path
from csre_mm.utils.plain_pickle import read_pickle
from csre_mm.utils.plain_tensors import load_plain_tensors
from csre_mm.utils.plain_values import brief

_KIND = 'a file of scores by tools/test.py --dump'


@METRICS.register_module()
class DumpScores(DumpResults):
    """Write ``frame_dir``, ``gt_label``, ``pred_label`` and ``pred_score`` of every sample.

    The file is a pickled list with a dictionary a sample, as mmaction2's ``DumpResults`` writes it,
    of numbers and NumPy arrays only, so that reading it need not run code.

    Args:
        out_file_path: The file, ``.pkl`` or ``.pickle``.
        **kwargs: As for ``DumpResults``.

    Example:
        >>> metric = METRICS.build(dict(type='DumpScores', out_file_path='scores.pkl'))
        >>> metric.out_file_path
        'scores.pkl'
    """

    def process(self, data_batch: Any, predictions: Sequence[dict]) -> None:
        """Take what is written from the predictions of a batch."""
        for sample in predictions:
            self.results.append(
                {
                    'frame_dir': sample.get('frame_dir'),
                    'gt_label': int(sample['gt_label']),
                    'pred_label': int(sample['pred_label']),
                    'pred_score': sample['pred_score'].float().cpu().numpy(),  # (classes,)
                }
            )

    def compute_metrics(self, results: list) -> dict:
        """Write the file; samples without a name get their position."""
        for place, sample in enumerate(results):
            name = sample['frame_dir']
            sample['frame_dir'] = str(place if name is None else name)
        _write(results, self.out_file_path)
        print_log(f'The scores are in {self.out_file_path}.', logger='current')
        return {}


class Scores(NamedTuple):
    """Scores of a split.

    Attributes:
        names: Names of the samples (N,).
        labels: Classes (N,), int64.
        scores: (N, classes), float32.

    Example:
        >>> scores = Scores(['s1', 's2'], np.array([0, 1]), np.eye(2, dtype=np.float32))
        >>> scores.scores.argmax(axis=1) == scores.labels
        array([ True,  True])
    """

    names: list[str]
    labels: np.ndarray
    scores: np.ndarray


def load_scores(path: str | os.PathLike) -> Scores:
    """Read what :class:`DumpScores` or mmengine's ``DumpResults`` wrote.

    Samples that all lack ``frame_dir`` are named by their positions, from ``0``.

    Raises:
        InputError: If there is no such file, or it holds something else.

    Example:
        >>> scores = load_scores('csre.pkl')
        >>> scores.scores.shape
        (12, 3)
    """
    return _parse_list(read_pickle(path, _KIND, load_plain_tensors), path)


def _parse_list(samples: Any, path: str | os.PathLike) -> Scores:
    try:
        unnamed = [place for place, sample in enumerate(samples) if 'frame_dir' not in sample]
        if 0 < len(unnamed) < len(samples):
            raise InputError(
                f'{path}: {len(unnamed)} of {len(samples)} samples have no frame_dir, the first '
                f'at position {unnamed[0]}: expected all or none'
            )
        names = [sample.get('frame_dir', place) for place, sample in enumerate(samples)]
        if not all(isinstance(name, str | int) for name in names):
            raise TypeError('a name is no text')
        labels = np.array([sample['gt_label'] for sample in samples], np.int64)
        scores = _stack([sample['pred_score'] for sample in samples], path)
        labels = labels.reshape(len(samples))
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f'{path}: not {_KIND}') from error
    wrong = (labels < 0) | (labels >= scores.shape[1])
    if wrong.any():
        place = int(wrong.argmax())
        raise InputError(
            f'{path}: {brief(names[place])} has the class {labels[place]}, the scores are of '
            f'{scores.shape[1]} classes'
        )
    return Scores([str(name) for name in names], labels, scores)


def _stack(rows: Sequence[np.ndarray], path: str | os.PathLike) -> np.ndarray:
    """Scores (N, C) of rows (C,), which in a file may share what they hold."""
    if sum(row.nbytes for row in rows) > 64 * os.path.getsize(path) + (1 << 24):
        raise InputError(f'{path}: the scores are much larger than the file: it is damaged')
    with np.errstate(over='ignore'):
        scores = np.stack(rows).astype(np.float32)
    if scores.ndim != 2 or not scores.shape[1]:
        raise ValueError(f'scores of the shape {scores.shape}')
    if not np.isfinite(scores).all():
        raise InputError(f'{path}: a score is not finite: the training diverged')
    return scores


def are_positions(names: Sequence[str]) -> bool:
    """Whether the names are ``0`` to ``N - 1`` in this order, as without ``frame_dir``."""
    return all(name == str(place) for place, name in enumerate(names))


def read_scores(
    path: str | os.PathLike,
    labels: Mapping[str, int] | None = None,
    names: Sequence[str] | None = None,
    whole: bool = True,
) -> Scores:
    """Read a score file: what ``tools/test.py --dump`` wrote, or a dictionary of names to scores.

    A dictionary needs ``labels`` by the names of the samples. ``names`` has the sample that a key
    i, ``test_i`` or ``train_i`` stands for; with ``whole`` none of the samples may be missing.
    """
    data = read_pickle(path, _KIND, load_plain_tensors)
    if isinstance(data, list):
        return _parse_list(data, path)
    _check_dictionary(data, path)
    found = [_name_of(key, names, path) for key in data]
    twice = [name for name, times in Counter(found).items() if times > 1]
    if twice:
        raise InputError(f'{path}: more than one sample is named {list_names(twice)}')
    by_name = dict(zip(found, data.values(), strict=True))
    if labels is None:
        raise InputError(
            f'{path} holds no labels: give the annotation file with --ann and its split with '
            '--split'
        )
    extra = [name for name in by_name if name not in labels]
    if extra:
        hint = ''
        if all(re.fullmatch(r'(test|train)_\d+', name, re.ASCII) for name in extra):
            hint = '; these are positions, give the names in this order, one a line, with --names'
        raise InputError(f'{path} has samples without a label in --ann: {list_names(extra)}{hint}')
    missing = [name for name in labels if name not in by_name]
    if whole and missing:
        raise InputError(f'{path} lacks samples of the split: {list_names(missing)}')
    classes = np.array([labels[name] for name in by_name], dtype=np.int64)  # (N,)
    return Scores(list(by_name), classes, _stack(list(by_name.values()), path))


def save_scores(scores: Scores, path: str | os.PathLike) -> None:
    """Write scores as ``tools/test.py --dump`` does.

    Example:
        >>> save_scores(load_scores('csre.pkl'), 'copy.pkl')
    """
    samples = [
        dict(frame_dir=name, gt_label=int(label), pred_label=int(row.argmax()), pred_score=row)
        for name, label, row in zip(*scores, strict=True)
    ]
    _write(samples, path)


def _write(samples: list[dict], path: str | os.PathLike) -> None:
    with atomic_path(path) as temporary, open(temporary, 'wb') as file:
        pickle.dump(samples, file, protocol=4)


def read_labels(path: str | os.PathLike, split: str | None) -> dict[str, int]:
    """Read the classes of the samples of a split, or of all, by name, from an annotation file."""
    data = load_annotations(path)
    check_annotations(data, path)
    samples = select_split(data, split, path)
    return {sample['frame_dir']: int(sample['label']) for sample in samples}


def list_names(names: Sequence[str], most: int = 5) -> str:
    """Up to five names, and how many more there are."""
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return ', '.join(map(str, names[:most])) + more


def _check_dictionary(data: Any, path: str | os.PathLike) -> None:
    """Insist on a dictionary of scores (C,), the same C in all."""
    expected = 'expected the scores of tools/test.py --dump, or a dictionary of names to scores'
    if not isinstance(data, dict) or not data:
        raise InputError(f'{path} holds {brief(data)}, {expected}')
    for key, row in data.items():
        if not isinstance(row, np.ndarray) or row.ndim != 1 or row.dtype.kind not in 'fiu':
            raise InputError(f'{path}: {brief(key)} has {brief(row)} for scores, {expected}')
    sizes = {len(row) for row in data.values()}
    if len(sizes) > 1:
        raise InputError(f'{path}: the samples have scores of {sorted(sizes)} classes')


def _name_of(key: Any, names: Sequence[str] | None, path: str | os.PathLike) -> str:
    """The name of a sample in place of a key: ``5`` and ``test_5`` are positions."""
    number = re.fullmatch(r'(?:(?:test|train)_)?(\d+)', str(key), re.ASCII)
    if number is None or (names is None and isinstance(key, str)):
        return str(key).removesuffix('.skeleton')
    if names is None:
        raise InputError(
            f'{path} numbers its samples ({key}, ...): give their names in this order, one a '
            'line, with --names'
        )
    if int(number[1]) >= len(names):
        raise InputError(f'{path} has a sample {key}, the file of --names has {len(names)} names')
    return names[int(number[1])]
