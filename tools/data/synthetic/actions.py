"""The movements of the classes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from csre_mm.datasets.class_names import SYNTHETIC
from synthetic.body import SIDES, FloatArray, Pose, Subject


@dataclass(frozen=True)
class Actor:
    """A person in one performance.

    Args:
        subject: Who it is.
        pose: Where the parts of the body are; the movement adds to it.
        time: (T,), 0 where the action begins and 1 where it ends.
        size: How large the movements are, 1 being average.
        rng: Source of what differs from one performance to the next.
    """

    subject: Subject
    pose: Pose
    time: FloatArray
    size: float
    rng: np.random.Generator


def ramp(time: FloatArray, start: float, end: float) -> FloatArray:
    """From 0 at ``start`` to 1 at ``end`` with least jerk, as people reach for a thing."""
    x = np.clip((time - start) / (end - start), 0, 1)
    return x**3 * (10 - 15 * x + 6 * x**2)


def hold(time: FloatArray, start: float, reached: float, leave: float, end: float) -> FloatArray:
    """From 0 to 1 and back to 0."""
    return ramp(time, start, reached) - ramp(time, leave, end)


def wave(actor: Actor, side: str) -> None:
    """Lift one hand and wave; the other joins in, by nearly as much now and then."""
    other = 'left' if side == 'right' else 'right'
    joins = float(np.clip(actor.rng.normal(0.7, 0.18), 0, 1.2))
    up = hold(actor.time, 0, 0.25, 0.75, 1)
    swing = np.sin(2 * np.pi * (actor.rng.uniform(2.5, 4.5) * actor.time + actor.rng.random()))
    for arm, amount in ((side, 1.0), (other, joins)):
        actor.pose.reach(arm, actor.rng.normal((0.45, 0.45, 0.3), 0.05), amount * up)
        actor.pose.hands[arm][:, 0] += 0.25 * actor.size * amount * up * swing


def clap(actor: Actor, speed_up: float) -> None:
    """Clap four times, on average evenly (``speed_up`` 0) or from slow to fast."""
    up = hold(actor.time, 0, 0.18, 0.82, 1)
    rate = float(np.clip(actor.rng.normal(speed_up, 0.16), -0.9, 0.9))
    x = np.clip((actor.time - 0.14) / 0.72, 0, 1)
    apart = 0.5 + 0.5 * np.cos(2 * np.pi * 4 * ((1 - rate) * x + rate * x**2))
    for side in SIDES:
        actor.pose.reach(side, actor.rng.normal((-0.22, -0.3, 0.6), 0.03), up)
        actor.pose.hands[side][:, 0] += 0.4 * actor.size * up * apart


def lift_to_head(actor: Actor, place: tuple[float, float, float], nod: float, tilt: float) -> None:
    """Lift a hand, mostly the right one, to a place at the head and hold it there."""
    side = 'right' if actor.rng.random() < 0.85 else 'left'
    reached, leave = actor.rng.uniform((0.25, 0.65), (0.4, 0.8))
    up = hold(actor.time, 0, reached, leave, 1)
    actor.pose.reach(side, actor.subject.reach + actor.rng.normal(place, 0.05), up)
    actor.pose.hands[side][:, 2] += 1.2 * up * (1 - up)  # in front of the shoulder, not through it
    actor.pose.nod += actor.rng.normal(nod, 6) * up
    actor.pose.tilt -= SIDES[side] * actor.rng.normal(tilt, 5) * up


def sit_down(actor: Actor) -> None:
    """Sit down on a chair and stay there."""
    down = ramp(actor.time, 0.1, 0.75)
    actor.pose.root += down[:, None] * (0, -0.47, -0.45)
    actor.pose.bend += 35 * actor.size * hold(actor.time, 0, 0.4, 0.45, 0.95)
    for side in SIDES:
        actor.pose.reach(side, (-0.05, -0.65, 0.45), down)


def bow(actor: Actor) -> None:
    """Bow from the hips and come up again."""
    reached, leave = actor.rng.uniform((0.3, 0.5), (0.5, 0.75))
    down = hold(actor.time, 0, reached, leave, 1)
    actor.pose.bend += 65 * actor.size * down
    actor.pose.nod += 15 * down
    actor.pose.root[:, 2] -= 0.15 * down
    for side in SIDES:
        actor.pose.reach(side, (0, -0.9, 0.3), down)


def kick(actor: Actor) -> None:
    """Swing a leg back and kick forward."""
    side = 'right' if actor.rng.random() < 0.8 else 'left'
    back, out = hold(actor.time, 0, 0.3, 0.32, 0.5), hold(actor.time, 0.32, 0.56, 0.64, 1)
    actor.pose.feet[side] += actor.size * np.outer(back, (0, 0.2, -0.4))
    actor.pose.feet[side] += actor.size * np.outer(out, (0, 0.4, 0.75))
    actor.pose.bend += actor.size * (8 * back - 10 * out)
    for arm in SIDES:
        actor.pose.reach(arm, (0.5, -0.75, 0.1), 0.8 * (back + out))


def jump_up(actor: Actor) -> None:
    """Crouch, swing the arms and jump up, once or twice."""
    jumps = int(actor.rng.integers(1, 3))
    for index in range(jumps):
        time = actor.time * jumps - index
        crouch = hold(time, 0, 0.3, 0.32, 0.48) + 0.6 * hold(time, 0.68, 0.78, 0.8, 1)
        flight = np.clip((time - 0.42) / 0.3, 0, 1)
        above = 1.4 * actor.size * flight * (1 - flight)
        actor.pose.root[:, 1] += above - 0.28 * actor.size * crouch
        actor.pose.root[:, 2] -= 0.12 * crouch
        actor.pose.bend += 25 * actor.size * crouch
        for side in SIDES:
            actor.pose.feet[side][:, 1] += above
            actor.pose.reach(side, (0.15, 0.1, 0.8), hold(time, 0.2, 0.5, 0.55, 0.95))


def shake_hands(one: Actor, other: Actor) -> None:
    """Both give their right hands and shake them."""
    shake = np.sin(2 * np.pi * one.rng.uniform(2, 4) * one.time) * hold(
        one.time, 0.3, 0.4, 0.6, 0.7
    )
    for actor in (one, other):
        out = hold(actor.time, 0, 0.3 + actor.rng.uniform(0, 0.08), 0.72, 1)
        actor.pose.reach('right', actor.rng.normal((-0.25, -0.5, 0.65), 0.03), out)
        actor.pose.hands['right'][:, 1] += 0.14 * one.size * shake
        actor.pose.bend += 8 * out


def push(one: Actor, other: Actor) -> None:
    """One pushes with both hands, the other is thrown back."""
    ready, out = hold(one.time, 0, 0.28, 0.3, 0.45), hold(one.time, 0.3, 0.45, 0.55, 0.95)
    thrown = hold(other.time, 0.4, 0.52, 0.6, 0.95)
    for side in SIDES:
        one.pose.reach(side, one.rng.normal((0, -0.25, 0.35), 0.03), ready)
        one.pose.reach(side, one.rng.normal((-0.08, -0.08, 0.96), 0.03), out)
        other.pose.reach(side, (0.5, -0.6, 0.4), thrown)
    one.pose.bend += one.size * (15 * out - 5 * ready)
    one.pose.root[:, 2] += 0.15 * out
    back = 0.45 * one.size
    other.pose.bend -= 15 * one.size * thrown
    other.pose.root[:, 2] -= back * ramp(other.time, 0.4, 0.7)
    for side, start in (('left', 0.4), ('right', 0.55)):
        other.pose.feet[side][:, 2] -= back * ramp(other.time, start, start + 0.2)


class Action(NamedTuple):
    """What the people of one class do.

    Args:
        seconds: How long it takes a person of average tempo.
        move: Adds the movement to the pose of each actor.
        persons: Number of actors.
    """

    seconds: float
    move: Callable[..., None]
    persons: int = 1


_ACTIONS = (
    # Three pairs that are hard to tell apart: the other hand, rhythm, place.
    Action(2.0, partial(wave, side='right')),
    Action(2.0, partial(wave, side='left')),
    Action(2.1, partial(clap, speed_up=0.0)),
    Action(2.1, partial(clap, speed_up=0.55)),
    Action(2.0, partial(lift_to_head, place=(-0.24, 0.32, 0.24), nod=-12, tilt=0)),
    Action(2.0, partial(lift_to_head, place=(-0.1, 0.42, 0.06), nod=0, tilt=10)),
    Action(1.8, sit_down),
    Action(1.8, bow),
    Action(1.9, kick),
    Action(2.7, jump_up),
    Action(2.2, shake_hands, persons=2),
    Action(1.7, push, persons=2),
)
ACTIONS: dict[str, Action] = dict(zip(SYNTHETIC, _ACTIONS, strict=True))
"""Class name to action, from label 0 on."""
