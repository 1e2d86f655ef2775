"""The action classes and who is in them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from synthetic import actions, interactions
from synthetic.performing import Performing


@dataclass(frozen=True)
class ActionClass:
    """One class of the data set.

    Args:
        name: What the action is called.
        seconds: How long it takes a person of average tempo.
        move: Adds the movement to each performing person's motion.
        persons: Number of people in the action.
    """

    name: str
    seconds: float
    move: Callable[..., None]
    persons: int = 1

    def perform(self, people: list[Performing]) -> None:
        """Let the people, as many as the action has, move."""
        self.move(*people)


CLASSES: tuple[ActionClass, ...] = (
    ActionClass('wave with the right hand', 2.0, partial(actions.wave, side='right')),
    ActionClass('wave with the left hand', 2.0, partial(actions.wave, side='left')),
    ActionClass('clap evenly', 2.1, partial(actions.clap, speed_up=0.0)),
    ActionClass('clap slowly, then fast', 2.1, partial(actions.clap, speed_up=0.48)),
    ActionClass('drink', 2.0, actions.drink),
    ActionClass('phone call', 2.0, actions.phone_call),
    ActionClass('sit down', 1.8, actions.sit_down),
    ActionClass('bow', 1.8, actions.bow),
    ActionClass('kick', 1.9, actions.kick),
    ActionClass('jump up', 2.7, actions.jump),
    ActionClass('shake hands', 2.2, interactions.handshake, persons=2),
    ActionClass('push', 1.7, interactions.push, persons=2),
)

CLASS_NAMES: tuple[str, ...] = tuple(action.name for action in CLASSES)
"""Names of the classes; ``A001`` is the first, its label is 0."""

CONFUSABLE_PAIRS: tuple[tuple[int, int], ...] = ((0, 1), (2, 3), (4, 5))
"""Labels of classes that are hard to tell apart: the other hand, another rhythm, another place."""
