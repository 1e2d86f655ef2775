"""mmaction2's transforms that move the origin, for skeletons without some of their joints.

They take the place of mmaction2's in the registry. Without a missing joint the result is the same.
"""

import numpy as np
from mmaction.datasets import transforms
from mmaction.registry import TRANSFORMS

from csre_mm.datasets.transforms.sample_frames import FRAME_FIELDS
from csre_mm.datasets.valid_joints import find_origin, keep_valid, valid_joints


@TRANSFORMS.register_module(force=True)
class PreNormalize2D(transforms.PreNormalize2D):
    """mmaction2's transform of this name, which leaves joints that were not detected at zero.

    Each axis of the image becomes [-1, 1].

    Required keys: ``keypoint`` (M, T, V, 2), or (M, T, V, 3) with the score as third number;
    optional ``img_shape``, ``keypoint_score``. Modified keys: ``keypoint``, ``keypoint_score``
    (zero for the same joints).

    Args:
        img_shape: Height and width of the image, where the sample has no ``img_shape``.

    Example:
        >>> import numpy as np
        >>> keypoint = np.array([[320, 120], [0, 0]], np.float32).reshape(1, 1, 2, 2)
        >>> sample = {'keypoint': keypoint, 'img_shape': (480, 640)}
        >>> PreNormalize2D().transform(sample)['keypoint'].tolist() == [[[[0, -0.5], [0, 0]]]]
        True
    """

    def transform(self, results: dict) -> dict:
        """Normalise one sequence."""
        keypoint = results['keypoint']
        valid = valid_joints(keypoint, results.get('keypoint_score'))
        results['keypoint'] = keypoint.astype(np.result_type(keypoint, np.float32))
        super().transform(results)
        keep_valid(results['keypoint'], valid)
        if 'keypoint_score' in results:
            results['keypoint_score'] = results['keypoint_score'] * valid
        return results


@TRANSFORMS.register_module(force=True)
class PreNormalize3D(transforms.PreNormalize3D):
    """mmaction2's transform of this name, with joints that were not detected left out.

    The two persons in most frames are kept, the first of them in front, and frames without that one
    are dropped. A joint that the first frame lacks is taken from the first frame that has it, to
    find the origin, the spine and the shoulders; one that no frame has, from the centroid of the
    others.

    Required keys: ``keypoint`` (M, T, V, 3). Modified keys: ``keypoint``, ``keypoint_score`` (its
    persons and frames) if present, ``total_frames``. Added keys: ``body_center``.

    Args:
        **kwargs: As for mmaction2's.

    Example:
        >>> import numpy as np
        >>> sample = {'keypoint': np.random.default_rng(0).normal(size=(1, 9, 25, 3))}
        >>> bool(PreNormalize3D().transform(sample)['keypoint'][0, 0, 1].any())
        False
    """

    def transform(self, results: dict) -> dict:
        """Align one sequence."""
        keypoint = results['keypoint']
        valid = valid_joints(keypoint, results.get('keypoint_score'))  # (M, T, V)
        if not valid.any():
            return results
        present: np.ndarray = np.any(valid, axis=2)  # (M, T)
        order = np.argsort(-present.sum(axis=1), kind='stable')[:2]  # mmaction2 takes no more
        frames = present[order[0]]
        valid = valid[order][:, frames]
        results['keypoint'] = np.where(valid[..., None], keypoint[order][:, frames], 0)
        for field in FRAME_FIELDS[1:]:
            if field in results:
                results[field] = results[field][order][:, frames]
        results['total_frames'] = valid.shape[1]
        first = results['keypoint'][0, 0]  # (V, C)
        for joint in np.flatnonzero(~valid[0, 0]).tolist():
            first[joint] = find_origin(results['keypoint'][:1], valid[:1], joint)
        super().transform(results)
        keep_valid(results['keypoint'], valid)
        return results
