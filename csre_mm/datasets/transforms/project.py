"""Projection of 3D joints to an image."""

import numpy as np
from mmaction.registry import TRANSFORMS

from csre_mm.datasets.transforms.sample_frames import Transform
from csre_mm.datasets.valid_joints import keep_valid, valid_joints
from csre_mm.utils.errors import InputError


@TRANSFORMS.register_module()
class ProjectToImage(Transform):
    """Project joints to the image of a depth camera, for encoders of heatmaps.

    The coordinates are the camera's, as in the raw files of NTU RGB+D: x to the side, y up, z away
    from it, in metres. Joints that were not detected, and those at a depth of ``near`` or less, get
    the score zero.

    Required keys: ``keypoint`` (M, T, V, 3). Modified keys: ``keypoint`` (M, T, V, 2), pixels.
    Added keys: ``keypoint_score`` (M, T, V), ``img_shape``.

    Args:
        img_shape: Height and width of the image in pixels; by default the Kinect v2's depth
            camera.
        focal_length: Focal length in pixels.
        near: Smallest depth in metres.

    Example:
        >>> import numpy as np
        >>> sample = {'keypoint': np.array([0.0, 0.0, 2.0]).reshape(1, 1, 1, 3)}
        >>> ProjectToImage().transform(sample)['keypoint'].ravel().tolist()  # image centre
        [256.0, 212.0]
    """

    def __init__(
        self,
        img_shape: tuple[int, int] = (424, 512),
        focal_length: float = 365.0,
        near: float = 0.1,
    ) -> None:
        self.img_shape = tuple(img_shape)
        self.focal_length = focal_length
        self.near = near

    def transform(self, results: dict) -> dict:
        """Project one sequence."""
        keypoint = np.asarray(results['keypoint'], dtype=np.float32)
        if keypoint.shape[-1] != 3:
            raise InputError(
                f'ProjectToImage needs 3 coordinates, the skeletons have {keypoint.shape[-1]}: '
                'leave it out of the pipelines for 2D data'
            )
        height, width = self.img_shape
        depth = keypoint[..., 2]
        visible = (depth > self.near) & valid_joints(keypoint, results.get('keypoint_score'))
        slope = keypoint[..., :2] / np.where(visible, depth, 1)[..., None]  # (M, T, V, 2)
        pixels = slope * [self.focal_length, -self.focal_length] + [width / 2, height / 2]
        results['keypoint'] = keep_valid(pixels.astype(np.float32), visible)
        results['keypoint_score'] = visible.astype(np.float32)
        results['img_shape'] = self.img_shape
        return results
