"""What a config that comes out of a file may have built: registered classes, and nothing else.

mmengine takes any dotted name for a ``type``, such as ``os.system``, and imports what it names.
"""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mmengine import registry
from mmengine.registry import Registry

from csre_mm.utils.errors import InputError
from csre_mm.utils.plain_values import brief

PACKAGES = ('csre_mm', 'mmaction', 'mmcv', 'mmengine', 'torch')
"""Of which registered classes may be named."""

_SCOPES = ('mmaction', 'mmengine')
_IMPORTS = ('csre_mm', 'mmaction', 'mmengine')


def check_types(settings: Any, source: str) -> None:
    """Check every ``type``, scope and import of a config that comes from ``source``.

    What is no registered class of :data:`PACKAGES`, at any depth, is an ``InputError``.
    """
    imports = (settings.get('custom_imports') or {}).get('imports') or []
    for name in [imports] if isinstance(imports, str) else imports:
        if not isinstance(name, str) or name.partition('.')[0] not in _IMPORTS:
            _refuse(source, 'custom_imports', name)
    known = _registered_names()
    for key, value in _walk(settings, ''):
        last = key.rpartition('.')[2]
        if last in ('_scope_', 'default_scope') and value not in (None, *_SCOPES):
            _refuse(source, key, value)
        if last == 'type':
            scope, _, name = value.rpartition('.') if isinstance(value, str) else ('', '', None)
            if name not in known or scope not in ('', *_SCOPES):
                _refuse(source, key, value)


def _refuse(source: str, key: str, value: Any) -> None:
    raise InputError(
        f'{source}: {key} of the config in it is {brief(value)}, expected a registered class of '
        f'{", ".join(PACKAGES)}'
    )


def _walk(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield f'{key}.{name}'.removeprefix('.'), inner
            yield from _walk(inner, f'{key}.{name}'.removeprefix('.'))
    elif isinstance(value, list | tuple | set):
        for place, inner in enumerate(value):
            yield from _walk(inner, f'{key}.{place}')


def _registered_names() -> set[str]:
    pending = [value for value in vars(registry).values() if isinstance(value, Registry)]
    names = set()
    while pending:
        found = pending.pop()
        pending += found.children.values()
        for name, kind in found.module_dict.items():
            if getattr(kind, '__module__', '').partition('.')[0] in PACKAGES:
                names.add(name)
    return names


@contextmanager
def registered_only() -> Iterator[None]:
    """Let the registries build what is registered, and import nothing for a name.

    A ``type`` may also be made while a model is built, of an argument such as ``act='relu'``.
    """
    module: Any = importlib.import_module('mmengine.registry.registry')
    before = module.get_object_from_string, module.import_module

    def import_module(name: str) -> Any:
        if name.partition('.')[0] not in PACKAGES:
            raise ImportError(name)
        return importlib.import_module(name)

    module.get_object_from_string, module.import_module = lambda name: None, import_module
    try:
        yield
    finally:
        module.get_object_from_string, module.import_module = before
