"""Reading pickles of plain containers and NumPy arrays, and of nothing else.

A pickle is a program: it names functions, has them called, and builds objects on a stack. Here the
few names that plain data needs stand for functions of :mod:`plain_values`, and the operations that
it does not need are refused.

This uses Python's reader written in Python. A file can make the one in C end the process (the hash
of a deep tuple), hang (the hash of a tuple that holds itself many times) or take tens of gigabytes
(a large index of its memo, one changed byte away), and none of this can be caught. It would save
about a second per 100,000 samples.
"""

import itertools
import os
import pickle
import pickletools
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from csre_mm.utils import plain_values as values
from csre_mm.utils.errors import InputError, one_line
from csre_mm.utils.plain_values import RefusedError, brief, checked_keys

__all__ = ['PLAIN_NAMES', 'Kind', 'PlainPickler', 'RefusedError', 'load_plain', 'read_pickle']

PLAIN_NAMES: dict[tuple[str, str], Any] = {
    ('numpy', 'ndarray'): 'numpy.ndarray',  # only an argument of _reconstruct
    ('numpy', 'dtype'): values.make_dtype,
    ('collections', 'OrderedDict'): values.ordered_dict,
    ('_codecs', 'encode'): values.encode,
}
for _core in ('numpy.core', 'numpy._core'):  # NumPy 1 and 2
    PLAIN_NAMES[f'{_core}.multiarray', '_reconstruct'] = values.reconstruct
    PLAIN_NAMES[f'{_core}.multiarray', 'scalar'] = values.scalar
    PLAIN_NAMES[f'{_core}.numeric', '_frombuffer'] = values.frombuffer
for _builtins in ('builtins', '__builtin__'):  # the second in protocol 2
    PLAIN_NAMES[_builtins, 'set'] = lambda items=(): set(checked_keys(items))
    PLAIN_NAMES[_builtins, 'frozenset'] = lambda items=(): frozenset(checked_keys(items))
    PLAIN_NAMES[_builtins, 'bytearray'] = values.make_bytearray
    PLAIN_NAMES[_builtins, 'bytes'] = lambda: b''

_REFUSED = (
    *('PERSID', 'INST', 'OBJ', 'NEWOBJ_EX', 'EXT1', 'EXT2', 'EXT4'),
    *('NEXT_BUFFER', 'READONLY_BUFFER'),
)
"""Operations that make objects other than by calling a name: plain data has none."""

_SIZED = (bytes, bytearray, str, list, dict, set, frozenset, tuple)
_OBJECT = 400
"""Bytes of an object of a :class:`Kind`, at least."""

_PythonUnpickler: Any = pickle._Unpickler


class Kind(NamedTuple):
    """A class whose objects a pickle may hold: the name of it stands for this."""

    kind: type
    make: Callable[..., Any]  # an object without its state
    fill: Callable[[Any, Any], None]  # checks a state and sets it

    def __call__(self, *arguments: Any) -> Any:
        """Make an object of the arguments that a pickle gives."""
        return self.make(*arguments)


class _PlainUnpickler(_PythonUnpickler):
    """Looks names up in a list and imports nothing; checks keys, states and sizes."""

    def __init__(self, file: BinaryIO, names: Mapping, references: bool) -> None:
        super().__init__(file)
        self._names, self._references = names, references
        self._kinds = {value.kind: value for value in names.values() if isinstance(value, Kind)}
        start = file.tell()
        self._budget = (1 << 20) + 4 * (file.seek(0, os.SEEK_END) - start)
        file.seek(start)

    def load_reduce(self) -> None:
        # A function may be called with one large argument again and again.
        self._spend(self.stack[-1], least=_OBJECT if isinstance(self.stack[-2], Kind) else 0)
        super().load_reduce()

    def load_empty_list(self) -> None:
        self._spend((), least=sys.getsizeof([]))
        super().load_empty_list()

    def load_empty_dict(self) -> None:
        self._spend((), least=sys.getsizeof({}))
        super().load_empty_dictionary()

    def load_empty_set(self) -> None:
        self._spend((), least=sys.getsizeof(set()))
        super().load_empty_set()

    def _spend(self, arguments: Any, least: int = 0) -> None:
        self._budget -= least + sum(len(a) for a in arguments if isinstance(a, _SIZED))
        if self._budget < 0:
            raise RefusedError('more memory than a file of its size needs')

    def load_newobj(self) -> None:
        arguments, kind = self.stack.pop(), self.stack.pop()
        if not isinstance(kind, Kind) or arguments != ():
            raise RefusedError('the operation NEWOBJ')
        self._spend((), least=_OBJECT)
        self.append(kind.make())

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._names:
            raise RefusedError(f'{module}.{name}')
        return self._names[module, name]

    def load_binpersid(self) -> None:
        if not self._references:
            raise RefusedError('the operation BINPERSID')
        # What refers to an object stays on the stack in its place.

    def load_build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if type(target) in self._kinds:
            self._kinds[type(target)].fill(target, state)
        elif isinstance(target, np.ndarray):
            self._spend(state)
            values.fill(target, state)
        elif isinstance(target, np.dtype):
            self.stack[-1] = dtype = values.with_byte_order(target, state)
            for key in itertools.islice(reversed(self.memo), 8):  # one of the newest entries
                if self.memo[key] is target:
                    self.memo[key] = dtype
        else:
            raise RefusedError(f'a state of {brief(target)}')

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set_items([key, value])

    def load_setitems(self) -> None:
        self._set_items(self.pop_mark())

    def _set_items(self, items: list) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict):
            raise pickle.UnpicklingError(f'{brief(target)} is no dictionary')
        keys = checked_keys(items[::2], present=len(target))
        target.update(zip(keys, items[1::2], strict=True))

    def load_dict(self) -> None:
        items = self.pop_mark()  # from here on self.append is that of another list
        self.append(dict(zip(checked_keys(items[::2]), items[1::2], strict=True)))

    def load_additems(self) -> None:
        items, target = self.pop_mark(), self.stack[-1]
        if not isinstance(target, set):
            raise pickle.UnpicklingError(f'{brief(target)} is no set')
        target.update(checked_keys(items, present=len(target)))

    def load_frozenset(self) -> None:
        items = self.pop_mark()
        self.append(frozenset(checked_keys(items)))

    def load_bytearray8(self) -> None:
        # Python's method allocates the size that the file claims.
        self.append(bytearray(self.read(int.from_bytes(self.read(8), 'little'))))


def _refuse(name: str) -> Callable[[_PlainUnpickler], None]:
    def load(unpickler: _PlainUnpickler) -> None:
        raise RefusedError(f'the operation {name}')

    return load


_PlainUnpickler.dispatch = dict(_PythonUnpickler.dispatch)
for _operation in pickletools.opcodes:
    _own = vars(_PlainUnpickler).get(f'load_{_operation.name.lower()}')
    if _operation.name in _REFUSED:
        _own = _refuse(_operation.name)
    if _own is not None:
        _PlainUnpickler.dispatch[ord(_operation.code)] = _own


def load_plain(
    file: BinaryIO,
    names: Mapping[tuple[str, str], Any] = PLAIN_NAMES,
    references: bool = False,
) -> Any:
    """Read a pickle of containers, numbers, strings, and arrays of these.

    ``names`` is what stands for each (module, name) that the pickle may name: a function, a value,
    or a :class:`Kind`. Persistent ids are refused, or with ``references`` read as what they are. A
    ``RefusedError`` names what else the pickle asks for; a damaged one raises almost anything.
    """
    try:
        return _PlainUnpickler(file, names, references).load()
    except KeyError as error:
        raise pickle.UnpicklingError(f'a pickle has no operation {error}') from error


class PlainPickler(pickle.Pickler):
    """Writes what :func:`load_plain` reads, and raises a ``RefusedError`` for anything else.

    An array of ``numpy.load(..., mmap_mode='r')`` is written as a usual one.
    """

    def reducer_override(self, obj: Any) -> Any:
        """Is asked for everything but the plain containers, numbers and strings of Python."""
        dtype = obj if isinstance(obj, np.dtype) else getattr(obj, 'dtype', None)
        if isinstance(dtype, np.dtype) and dtype.kind in values.KINDS:
            if type(obj) is np.memmap:
                return np.asarray(obj).__reduce_ex__(5)
            if type(obj) is np.ndarray or isinstance(obj, np.dtype | np.generic):
                return NotImplemented
        names = getattr(obj, '__module__', None), getattr(obj, '__name__', None)
        if names in PLAIN_NAMES or type(obj) is OrderedDict:
            return NotImplemented
        found = f'an array of {dtype}' if type(obj) is np.ndarray else f'a {type(obj).__name__}'
        raise RefusedError(found)


def read_pickle(path: str | os.PathLike, kind: str, load: Callable = load_plain) -> Any:
    """Read a file of plain data, which is ``kind``, or say in one line why it cannot be."""
    try:
        with open(path, 'rb') as file:
            return load(file)
    except RefusedError as error:
        raise InputError(
            f'{path}: refused: the pickle asks for {str(error)!r:.100}, {kind} holds plain '
            'containers and arrays only'
        ) from None
    except FileNotFoundError:
        raise InputError(f'{path}: no such file, expected {kind}') from None
    except OSError as error:
        raise InputError(f'{path}: cannot be read: {error.strerror or error}') from error
    except Exception as error:  # a damaged pickle can raise almost anything
        reason = one_line(error) or type(error).__name__
        raise InputError(f'{path}: not {kind}, or a damaged one ({reason})') from error
