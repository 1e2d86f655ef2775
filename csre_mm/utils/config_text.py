"""Settings as text, read without running it: in checkpoints, and of ``--cfg-options``."""

import argparse
import ast
from typing import Any

LONGEST = 1 << 20  # characters of a config; its syntax tree takes some hundred times the memory


def parse_settings(text: str) -> dict[str, Any]:
    """Read ``name = value`` lines, as ``model = dict(neck=None)``; others are a ``ValueError``."""
    if len(text) > LONGEST:
        raise ValueError(f'{len(text):,} characters, at most {LONGEST:,} are read')
    settings = {}
    try:
        for line in ast.parse(text).body:
            if not isinstance(line, ast.Assign) or not isinstance(line.targets[0], ast.Name):
                raise ValueError(f'line {line.lineno} sets no value')
            settings[line.targets[0].id] = read_literal(line.value)
    except (SyntaxError, TypeError, RecursionError, MemoryError) as error:  # a list as a key
        raise ValueError(str(error)) from error
    return settings


def read_literal(node: ast.expr) -> Any:
    """The value of a literal, in which ``dict(...)`` may stand; a ``ValueError`` for others."""
    return ast.literal_eval(_DictCalls().visit(node))


class _DictCalls(ast.NodeTransformer):
    """Turn ``dict(key=value)``, as mmengine prints dictionaries, into literals."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        named = isinstance(node.func, ast.Name) and node.func.id == 'dict'
        if not named or node.args or any(keyword.arg is None for keyword in node.keywords):
            return node  # which literal_eval refuses
        keys = [ast.Constant(keyword.arg) for keyword in node.keywords]
        return ast.Dict(keys=list(keys), values=[keyword.value for keyword in node.keywords])


class ConfigOptions(argparse.Action):
    """``--cfg-options KEY=VALUE ...`` as mmengine's ``DictAction`` reads them, and more.

    A value is a number, ``True``, ``False``, ``None``, a text, a list (``[a,b]`` or ``a,b``), a
    tuple, or a dictionary (``{'a': 1}`` or ``dict(a=1)``). Spaces within a text stay.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Add the pairs to those of earlier flags."""
        options = dict(getattr(namespace, self.dest) or {})
        for pair in values:
            key, separator, text = pair.partition('=')
            if not separator or not key:
                parser.error(f'{option_string} {pair}: expected KEY=VALUE')
            try:
                options[key] = parse_value(text)
            except ValueError as error:
                parser.error(f'{option_string} {pair}: {error}')
        setattr(namespace, self.dest, options)


def parse_value(text: str) -> Any:
    """The value of an option; brackets that do not match, for example, are a ``ValueError``."""
    text = text.strip()
    if text[:2] in ('"[', "'[", '"(', "'(") and text[-1] == text[0]:
        text = text[1:-1]  # quoted twice, as for shells without quotation
    if text.startswith(('{', 'dict(')):
        try:
            return read_literal(ast.parse(text, mode='eval').body)
        except (SyntaxError, ValueError, TypeError, RecursionError) as error:
            raise ValueError('the dictionary cannot be read, quote the texts in it') from error
    if len(parts := _split(text)) > 1 or text.endswith(','):
        return [parse_value(part) for part in parts]
    if text[:1] + text[-1:] in ('()', '[]'):
        elements = [parse_value(part) for part in _split(text[1:-1])]
        return tuple(elements) if text[0] == '(' else elements
    text = text.strip('\'"')
    if text.lower() in ('true', 'false'):
        return text.lower() == 'true'
    if text == 'None':
        return None
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _split(text: str) -> list[str]:
    """The parts between the commas that are in no bracket and no quotation."""
    parts, depth, quote = [''], 0, ''
    for character in text:
        if quote or character in '\'"':
            quote = '' if character == quote else quote or character
        elif character in '([{':
            depth += 1
        elif character in ')]}':
            depth -= 1
            if depth < 0:
                break
        if character == ',' and not depth and not quote:
            parts.append('')
        else:
            parts[-1] += character
    if depth:
        raise ValueError('brackets do not match')
    return [part for part in parts if part.strip()] if len(parts) > 1 or text.strip() else []
