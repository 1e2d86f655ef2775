"""Made-up recordings in the form of NTU RGB+D: people by forward kinematics, seen by a Kinect."""

from synthetic.camera import place_camera
from synthetic.classes import CLASS_NAMES, CLASSES, CONFUSABLE_PAIRS
from synthetic.performance import Performance, draw_performance
from synthetic.record import record, write_recordings
from synthetic.recording_id import RecordingId

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
