"""Scores of a test on disk: written with the names of the samples, read without running code."""

import os
import pickle
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from mmaction.registry import METRICS
from mmengine.evaluator import DumpResults
from mmengine.logging import print_log

from csre_mm.datasets.plain_pickle import RefusedError, load_plain
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path


@METRICS.register_module()
class DumpScores(DumpResults):
    """Write ``frame_dir``, ``gt_label``, ``pred_label`` and ``pred_score`` of every sample.

    The file is a pickled list with a dictionary a sample, as mmaction2's ``DumpResults`` writes it,
    of numbers and NumPy arrays only, so that reading it need not run code.

    Args:
        out_file_path: The file, ``.pkl`` or ``.pickle``.
        **kwargs: As for ``DumpResults``.
    """

    def process(self, data_batch: Any, predictions: Sequence[dict]) -> None:
        """Take what is written from the predictions of a batch."""
        for sample in predictions:
            self.results.append(
                {
                    'frame_dir': str(sample.get('frame_dir', len(self.results))),
                    'gt_label': int(sample['gt_label']),
                    'pred_label': int(sample['pred_label']),
                    'pred_score': sample['pred_score'].float().cpu().numpy(),  # (classes,)
                }
            )

    def compute_metrics(self, results: list) -> dict:
        """Write the file."""
        with atomic_path(self.out_file_path) as path, open(path, 'wb') as file:
            pickle.dump(results, file, protocol=4)
        print_log(f'The scores are in {self.out_file_path}.', logger='current')
        return {}


class Scores(NamedTuple):
    """Scores of a split.

    Attributes:
        names: Names of the samples (N,).
        labels: Classes (N,), int64.
        scores: (N, classes), float32.
    """

    names: list[str]
    labels: np.ndarray
    scores: np.ndarray


def load_scores(path: str | os.PathLike) -> Scores:
    """Read what :class:`DumpScores` wrote.

    Raises:
        InputError: If there is no such file, or it holds something else.
    """
    try:
        with open(path, 'rb') as file:
            samples = load_plain(file)
        return Scores(
            [str(sample['frame_dir']) for sample in samples],
            np.array([sample['gt_label'] for sample in samples], dtype=np.int64),
            np.stack([sample['pred_score'] for sample in samples]).astype(np.float32),
        )
    except FileNotFoundError as error:
        raise InputError(f'no such score file: {path}') from error
    except RefusedError as error:
        raise InputError(f'{path}: {error}') from error
    except Exception as error:  # whatever a damaged pickle raises
        raise InputError(f'{path} holds no scores written by tools/test.py --dump') from error
