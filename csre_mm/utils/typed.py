"""Data of a JSON file against the annotations that say what it holds."""

import dataclasses
import types
import typing
from typing import Any

from csre_mm.utils.errors import InputError
from csre_mm.utils.plain_values import brief


def check_type(value: Any, kind: Any, key: str) -> None:
    """Check a value, which messages call ``key``, at every depth.

    ``kind`` is ``str``, ``int``, ``float``, ``bool``, a list or dictionary of such, ``X | None``, a
    ``TypedDict``, or a dataclass for the dictionary of its fields.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return
    if origin in (types.UnionType, typing.Union):
        if value is not None or type(None) not in arguments:
            check_type(value, arguments[0], key)
    elif origin is list and isinstance(value, list):
        for place, item in enumerate(value):
            check_type(item, arguments[0], f'{key}[{place}]')
    elif origin is dict and isinstance(value, dict):
        for name, item in value.items():
            check_type(item, arguments[1], f'{key}.{name}')
    elif dataclasses.is_dataclass(kind) or typing.is_typeddict(kind):
        _check_fields(value, kind, key)
    elif type(value) is not kind and not (kind is float and type(value) is int):
        raise InputError(f'{key:.200} is {brief(value)}, expected {_name(kind)}')


def _check_fields(value: Any, kind: Any, key: str) -> None:
    if not isinstance(value, dict):
        raise InputError(f'{key:.200} is {brief(value)}, expected a dictionary')
    hints, optional = typing.get_type_hints(kind), set(getattr(kind, '__optional_keys__', ()))
    if dataclasses.is_dataclass(kind):
        no_default = dataclasses.MISSING
        for field in dataclasses.fields(kind):
            if field.default is not no_default or field.default_factory is not no_default:
                optional.add(field.name)
        for name in value.keys() - hints.keys():
            raise InputError(f'{key:.200} has {brief(name)}, expected {", ".join(hints)}')
    for name, hint in hints.items():
        if name in value:
            check_type(value[name], hint, f'{key}.{name}')
        elif name not in optional:
            raise InputError(f'{key:.200} lacks {name}')


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind)
