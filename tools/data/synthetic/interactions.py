"""Movements of two people who face each other, one metre apart or so."""

from synthetic.motion import SIDES, ArmPose
from synthetic.performing import Performing
from synthetic.signals import beats, hold, ramp

_OFFERED = ArmPose(48, -16, 42, 34)
_BEFORE_PUSH = ArmPose(22, 45, 8, 112)
_PUSHING = ArmPose(88, -2, 2, 12)


def handshake(one: Performing, other: Performing) -> None:
    """Both give their right hands and shake them."""
    count = one.rng.uniform(2, 4)
    for person in (one, other):
        late = 0.0 if person is one else abs(person.rng.normal(0, 0.05))
        out = hold(person.time, late, 0.3 + late, 0.72, 1)
        person.motion.arm('right', _OFFERED.moved(person.rng.normal(0, 3, 4)), out)
        shake = out * (beats(person.time, 0.3, 0.75, count, 0) - 0.5)
        person.motion.add('right_elbow', 22 * person.size * shake)
        person.motion.add('right_raise', 8 * person.size * shake)
        person.motion.add('spine_bend', 8 * out)


def push(one: Performing, other: Performing) -> None:
    """One pushes with both hands, the other is thrown back."""
    ready, out = hold(one.time, 0, 0.28, 0.3, 0.45), hold(one.time, 0.3, 0.45, 0.55, 0.95)
    for side in SIDES:
        one.motion.arm(side, _BEFORE_PUSH.moved(one.rng.normal(0, 3, 4)), ready)
        one.motion.arm(side, _PUSHING.moved(one.rng.normal(0, 3, 4)), out)
    one.motion.add('spine_bend', one.size * (22 * out - 5 * ready))
    one.motion.add('advance', 0.12 * ramp(one.time, 0.25, 0.45))
    one.motion.leg('right', -14 * out, 6 * out)
    thrown = hold(other.time, 0.4, 0.52, 0.6, 0.95)
    other.motion.add('spine_bend', -20 * one.size * thrown)
    other.motion.add('advance', -0.35 * one.size * ramp(other.time, 0.4, 0.7))
    step = hold(other.time, 0.42, 0.52, 0.55, 0.68)
    other.motion.leg('left', 25 * step, 50 * step)
    for side in SIDES:
        other.motion.arm(side, ArmPose(45, 60, 0, 30), thrown)
