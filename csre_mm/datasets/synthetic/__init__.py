"""Made-up recordings in the form of NTU RGB+D: people by forward kinematics, seen by a Kinect."""

from csre_mm.datasets.synthetic.camera import place_camera
from csre_mm.datasets.synthetic.classes import CLASS_NAMES, CLASSES, CONFUSABLE_PAIRS
from csre_mm.datasets.synthetic.performance import Performance, draw_performance
from csre_mm.datasets.synthetic.record import record, write_recordings
from csre_mm.datasets.synthetic.recording_id import RecordingId

__all__ = [
    'CLASSES',
    'CLASS_NAMES',
    'CONFUSABLE_PAIRS',
    'Performance',
    'RecordingId',
    'draw_performance',
    'place_camera',
    'record',
    'write_recordings',
]
