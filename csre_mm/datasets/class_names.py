"""What the classes are called, from label 0 on.

The lists of NTU RGB+D 60 and 120 are those of the authors' page, https://github.com/shahroudy/NTURGB-D
(A1 is label 0; two misspelt words are put right), that of NW-UCLA follows Wang et al.,
CVPR 2014, that of UTD-MHAD Chen et al., ICIP 2015.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from csre_mm.utils.errors import InputError
from csre_mm.utils.files import read_lines

NTU120: tuple[str, ...] = tuple(
    """\
drink water
eat meal/snack
brushing teeth
brushing hair
drop
pickup
throw
sitting down
standing up (from sitting position)
clapping
reading
writing
tear up paper
wear jacket
take off jacket
wear a shoe
take off a shoe
wear on glasses
take off glasses
put on a hat/cap
take off a hat/cap
cheer up
hand waving
kicking something
put something inside pocket / take out something from pocket
hopping (one foot jumping)
jump up
make a phone call/answer phone
playing with phone/tablet
typing on a keyboard
pointing to something with finger
taking a selfie
check time (from watch)
rub two hands together
nod head/bow
shake head
wipe face
salute
put the palms together
cross hands in front (say stop)
sneeze/cough
staggering
falling
touch head (headache)
touch chest (stomachache/heart pain)
touch back (backache)
touch neck (neckache)
nausea or vomiting condition
use a fan (with hand or paper)/feeling warm
punching/slapping other person
kicking other person
pushing other person
pat on back of other person
point finger at the other person
hugging other person
giving something to other person
touch other person's pocket
handshaking
walking towards each other
walking apart from each other
put on headphone
take off headphone
shoot at the basket
bounce ball
tennis bat swing
juggling table tennis balls
hush (quiet)
flick hair
thumb up
thumb down
make ok sign
make victory sign
staple book
counting money
cutting nails
cutting paper (using scissors)
snapping fingers
open bottle
sniff (smell)
squat down
toss a coin
fold paper
ball up paper
play magic cube
apply cream on face
apply cream on hand back
put on bag
take off bag
put something into a bag
take something out of a bag
open a box
move heavy objects
shake fist
throw up cap/hat
hands up (both hands)
cross arms
arm circles
arm swings
running on the spot
butt kicks (kick backward)
cross toe touch
side kick
yawn
stretch oneself
blow nose
hit other person with something
wield knife towards other person
knock over other person (hit with body)
grab other person's stuff
shoot at other person with a gun
step on foot
high-five
cheers and drink
carry something with other person
take a photo of other person
follow other person
whisper in other person's ear
exchange things with other person
support somebody with one's hand
finger-guessing game (playing rock-paper-scissors)
""".splitlines()
)
NTU60 = NTU120[:60]
NW_UCLA: tuple[str, ...] = (
    'pick up with one hand',
    'pick up with two hands',
    'drop trash',
    'walk around',
    'sit down',
    'stand up',
    'donning',
    'doffing',
    'throw',
    'carry',
)
UTD_MHAD: tuple[str, ...] = (
    'swipe left',
    'swipe right',
    'wave',
    'clap',
    'throw',
    'cross arms',
    'basketball shot',
    'draw x',
    'draw circle clockwise',
    'draw circle counter-clockwise',
    'draw triangle',
    'bowling',
    'boxing',
    'baseball swing',
    'tennis forehand',
    'arm curl',
    'tennis serve',
    'push',
    'knock',
    'catch',
    'pick up and throw',
    'jog',
    'walk',
    'sit to stand',
    'stand to sit',
    'lunge',
    'squat',
)

SYNTHETIC: tuple[str, ...] = (
    'wave with the right hand',
    'wave with the left hand',
    'clap evenly',
    'clap slowly, then fast',
    'drink',
    'phone call',
    'sit down',
    'bow',
    'kick',
    'jump up',
    'shake hands',
    'push',
)
"""Classes of the recordings that tools/data/make_synthetic.py writes."""

CLASS_NAMES: dict[str, tuple[str, ...]] = {
    'ntu60': NTU60,
    'ntu120': NTU120,
    'nwucla': NW_UCLA,
    'utd_mhad': UTD_MHAD,
    'synthetic': SYNTHETIC,
}
"""By the name that commands take."""

_OF_FILE = {
    'ntu60_3d': 'ntu60',
    'ntu120_3d': 'ntu120',
    'nw_ucla': 'nwucla',
    'utd_mhad': 'utd_mhad',
    'demo': 'synthetic',
}
"""The data set in an annotation file, by the file's name in the shipped configs."""


def find_class_names(
    given: str | os.PathLike | Sequence[str] | None, num_classes: int, ann_file: str = ''
) -> list[str]:
    """Names of all classes of a model.

    Args:
        given: A key of :data:`CLASS_NAMES`, a text file with a name a line, the names, or None:
            then those of the data set in ``ann_file``, or, if it is another, the labels.
        num_classes: Classes of the model.
        ann_file: The annotation file of the config.

    Returns:
        ``num_classes`` names; where the synthetic recordings have no class, ``class LABEL``.

    Raises:
        InputError: If there is no such list or file, or it has too few names.

    Example:
        >>> find_class_names('nwucla', 10)[3]
        'walk around'
        >>> find_class_names(None, 2)
        ['0', '1']
    """
    source, names = _look_up(given, num_classes, ann_file)
    if names is SYNTHETIC:  # the demo's classifier has all classes of NTU RGB+D 60
        names = [*names, *(f'class {label}' for label in range(len(names), num_classes))]
    if len(names) < num_classes:
        raise InputError(
            f'{source} has {len(names)} names, expected one for each of {num_classes} classes'
        )
    return list(names[:num_classes])


def _look_up(
    given: str | os.PathLike | Sequence[str] | None, num_classes: int, ann_file: str
) -> tuple[str, Sequence[str]]:
    """Where names come from, for messages, and the names."""
    if given is None:
        known = CLASS_NAMES.get(_OF_FILE.get(Path(ann_file).stem, ''), ())
        if known and (len(known) == num_classes or known is SYNTHETIC):
            return 'class names', known
        return 'class names', [str(label) for label in range(num_classes)]
    if isinstance(given, str) and given in CLASS_NAMES:
        return f'class names {given}', CLASS_NAMES[given]
    if isinstance(given, str | os.PathLike):
        if not Path(given).is_file():
            raise InputError(
                f'class names {given}: no such file, and none of {", ".join(CLASS_NAMES)}'
            )
        return f'class names {given}', read_lines(given, 'class names')
    return 'class names', list(given)
