"""Movements of one person, as joint angles over time."""

import numpy as np

from synthetic.motion import SIDES, ArmPose
from synthetic.performing import Performing
from synthetic.signals import beats, hold, ramp

_RAISED = ArmPose(98, 50, -58, 58)
_MOUTH = ArmPose(80, 6, 25, 114)
_EAR = ArmPose(88, 36, -6, 126)
_CLAP = ArmPose(44, 24, 10, 76)


def wave(on: Performing, side: str) -> None:
    """Lift one arm and wave; the other one may join in, up to nearly as much."""
    favour = on.subject.handedness if side == 'left' else -on.subject.handedness
    if on.rng.random() < 0.7:
        joins = on.rng.normal(0.94 + favour, 0.12)
    else:
        joins = on.rng.uniform(0.05, 0.6) + favour
    delay = abs(on.rng.normal(0, 0.02))
    count, offset = on.rng.uniform(2.5, 4.5), on.rng.random()
    other = SIDES[1 - SIDES.index(side)]
    for arm, share, late in ((side, 1.0, 0.0), (other, float(np.clip(joins, 0, 1.25)), delay)):
        time = on.time - late
        up = hold(time, 0, 0.25, 0.75, 1)
        on.motion.arm(arm, _RAISED.moved(on.rng.normal(0, 4, 4)), share * up)
        swing = beats(time, 0.15, 0.85, count, 0, offset) - 0.5
        on.motion.add(f'{arm}_twist', share * on.size * 38 * up * swing)
        on.motion.add(f'{arm}_elbow', share * on.size * 22 * up * swing)


def clap(on: Performing, speed_up: float) -> None:
    """Clap four times, by average evenly (``speed_up`` 0) or from slow to fast."""
    up = hold(on.time, 0, 0.18, 0.82, 1)
    rate = float(np.clip(on.rng.normal(speed_up, 0.22), -0.9, 0.9))
    strokes = beats(on.time, 0.14, 0.86, 4, rate)
    for side in SIDES:
        on.motion.arm(side, _CLAP.moved(on.rng.normal(0, 3, 4)), up)
        on.motion.add(f'{side}_twist', 32 * on.size * up * strokes)
        on.motion.add(f'{side}_plane', -10 * on.size * up * strokes)


def _to_face(on: Performing, pose: ArmPose, share: float) -> None:
    """Bring one hand, mostly the right, to the head and hold it there."""
    side = 'right' if on.rng.random() < 0.85 else 'left'
    reach = on.subject.face_reach + on.rng.normal(0, (4, 5, 5, 3))
    reached, leave = on.rng.uniform((0.25, 0.65), (0.4, 0.8))
    stay = hold(on.time, 0, reached, leave, 1)
    on.motion.arm(side, pose.moved(reach), stay)
    sign = 1 if side == 'left' else -1
    on.motion.add('neck_lean', -sign * on.rng.normal(8 * share, 5) * stay)
    on.motion.add('neck_bend', -on.rng.normal(12 * (1 - share), 6) * stay)


def drink(on: Performing) -> None:
    """Lift a cup to the mouth, the head back a little."""
    _to_face(on, _MOUTH, share=0.2)


def phone_call(on: Performing) -> None:
    """Lift a telephone to the ear, the head towards it."""
    _to_face(on, _EAR, share=0.8)


def sit_down(on: Performing) -> None:
    """Sit down on a chair and stay there."""
    down = ramp(on.time, 0.1, 0.75)
    for side in SIDES:
        on.motion.leg(side, (82 + on.rng.normal(0, 4)) * down, (86 + on.rng.normal(0, 4)) * down)
        on.motion.arm(side, ArmPose(25, -10, 12, 45), down)
    on.motion.add('spine_bend', 38 * on.size * hold(on.time, 0, 0.4, 0.45, 0.95))


def bow(on: Performing) -> None:
    """Bow from the hips and come up again."""
    reached, leave = on.rng.uniform((0.3, 0.5), (0.5, 0.75))
    down = hold(on.time, 0, reached, leave, 1)
    on.motion.add('spine_bend', 72 * on.size * down)
    on.motion.add('neck_bend', 22 * on.size * down)
    for side in SIDES:
        on.motion.leg(side, -10 * down, 0 * down)
        on.motion.add(f'{side}_raise', 14 * down)
        on.motion.add(f'{side}_plane', -30 * down)


def kick(on: Performing) -> None:
    """Swing a leg back and kick forward."""
    side = on.subject.kick_side
    other = SIDES[1 - SIDES.index(side)]
    back, out = hold(on.time, 0, 0.3, 0.32, 0.56), hold(on.time, 0.3, 0.58, 0.64, 1)
    on.motion.leg(side, on.size * (68 * out - 22 * back), on.size * (50 * back + 6 * out), False)
    on.motion.leg(other, 10 * out, 14 * out)
    on.motion.add('spine_bend', on.size * (6 * back - 12 * out))
    on.motion.add(f'{other}_raise', 35 * on.size * out)
    on.motion.add(f'{side}_raise', 30 * on.size * back)


def jump(on: Performing) -> None:
    """Crouch, swing the arms, jump up and land softly, once or twice."""
    jumps = int(on.rng.integers(1, 3))
    for index in range(jumps):
        time = on.time * jumps - index
        crouch = hold(time, 0, 0.3, 0.32, 0.48) + 0.6 * hold(time, 0.64, 0.78, 0.8, 1)
        air = np.clip((time - 0.43) / 0.29, 0, 1)
        on.motion.add('jump', 1.0 * on.size * air * (1 - air))
        for side in SIDES:
            on.motion.leg(side, 42 * on.size * crouch, 72 * on.size * crouch)
            on.motion.add(f'{side}_ankle', -35 * hold(air, 0, 0.2, 0.8, 1))
            on.motion.arm(side, ArmPose(75, 15, -10, 30), hold(time, 0.15, 0.5, 0.55, 0.95))
        on.motion.add('spine_bend', 24 * on.size * crouch)
