"""Joining annotation files, so that one training set has the samples of several."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csre_mm.datasets.annotations import check_annotations
from csre_mm.utils.errors import InputError
from csre_mm.utils.plain_values import brief


@dataclass(frozen=True)
class Part:
    """Annotations that are joined with others."""

    data: dict[str, Any]
    path: str | os.PathLike  # its name in messages
    prefix: str = ''  # goes before each ``frame_dir``
    classes: Mapping[int, int] | None = None  # the new label of each label; None: they stay


def join_annotations(
    parts: Sequence[Part], splits: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Join annotations of one skeleton: all samples, and the members of splits of one name.

    Args:
        parts: The files.
        splits: The new name of each split; others are left out. By default all stay, with their
            names.

    Returns:
        ``{'split': {name: [frame_dir, ...]}, 'annotations': [...]}``, of the same arrays.

    Raises:
        InputError: If a part is faulty, has another skeleton than the first, a label without a new
            one, none of the splits, or a name that is in another part, too; if no part has one of
            the splits.

    Example:
        >>> from csre_mm.datasets import load_annotations
        >>> data = load_annotations('data.pkl')
        >>> both = join_annotations([Part(data, 'data.pkl', 'a_'), Part(data, 'data.pkl', 'b_')])
        >>> len(both['annotations']), both['split']['train'][0]
        (96, 'a_train_000')
    """
    names = sorted({str(name) for part in parts for name in part.data.get('split', {})})
    absent = sorted(set(splits or ()) - set(names))
    if absent:
        others = ', '.join(names) or 'none'
        raise InputError(f'no file has the split {absent[0]}, they have {others}')
    joined: dict[str, Any] = {'split': {}, 'annotations': []}
    origin: dict[str, str | os.PathLike] = {}
    for part in parts:
        check_annotations(part.data, part.path)
        for sample in part.data['annotations']:
            name = part.prefix + sample['frame_dir']
            if name in origin:
                raise InputError(
                    f'{part.path}: sample {brief(name)} is in {origin[name]}, too: give prefixes'
                )
            origin[name] = part.path
            label = _new_label(sample, part)
            joined['annotations'].append({**sample, 'frame_dir': name, 'label': label})
        new_names = {name: name for name in part.data['split']} if splits is None else splits
        found = [name for name in part.data['split'] if name in new_names]
        if not found and splits:
            known = ', '.join(map(str, part.data['split'])) or 'none'
            raise InputError(f'{part.path}: has the splits {known}, none of {", ".join(splits)}')
        for name in found:
            members = [part.prefix + member for member in part.data['split'][name]]
            before = joined['split'].get(new_names[name], [])
            joined['split'][new_names[name]] = list(dict.fromkeys([*before, *members]))
    _check_skeletons(joined['annotations'], origin)
    return joined


def _new_label(sample: dict[str, Any], part: Part) -> int:
    label = int(sample['label'])
    if part.classes is None:
        return label
    if label not in part.classes:
        name = brief(sample['frame_dir'])
        raise InputError(f'{part.path}: sample {name}: the label {label} has no new label')
    return part.classes[label]


def _check_skeletons(samples: Sequence[dict[str, Any]], origin: Mapping[str, Any]) -> None:
    """Insist on joints, coordinates and scores like those of the first sample."""

    def shape(sample: dict[str, Any]) -> tuple[int, int, bool]:
        return *sample['keypoint'].shape[2:], sample.get('keypoint_score') is not None

    for sample in samples:
        if shape(sample) != shape(samples[0]):
            texts = [
                f'{origin[s["frame_dir"]]}: sample {brief(s["frame_dir"])} has {{}} joints of {{}} '
                'coordinates{}'.format(*shape(s)[:2], ' with scores' if shape(s)[2] else '')
                for s in (sample, samples[0])
            ]
            raise InputError(f'{texts[0]}, but {texts[1]}: they cannot be joined')


def join_classes(lists: Sequence[Sequence[str]]) -> tuple[list[str], list[dict[int, int]]]:
    """One list of class names, equal ones a class, and the new label of each label of each list."""
    places: dict[str, int] = {}
    for names in lists:
        for name in names:
            places.setdefault(name, len(places))
    return list(places), [{i: places[name] for i, name in enumerate(names)} for names in lists]
