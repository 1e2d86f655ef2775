"""The values of ``--cfg-options``."""

import argparse
import ast
from typing import Any

from csre_mm.utils.config_text import read_literal


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
    """The value of an option; a ``ValueError`` if brackets do not match, or a dictionary is none.

    Example:
        >>> parse_value('dict(type="AccMetric", metric_list=("top_k_accuracy",))')
        {'type': 'AccMetric', 'metric_list': ('top_k_accuracy',)}
        >>> parse_value('1e-3,[val, val clean]')
        [0.001, ['val', 'val clean']]
    """
    text = text.strip()
    if text[:2] in ('"[', "'[", '"(', "'(") and text[-1] == text[0]:
        text = text[1:-1]  # quoted twice, as for shells without quotation
    if text.startswith(('{', 'dict(')):
        try:
            return read_literal(ast.parse(text, mode='eval').body)
        except (SyntaxError, ValueError) as error:
            raise ValueError('the dictionary cannot be read, quote the texts in it') from error
    if text[:1] + text[-1:] in ('()', '[]'):
        elements = [parse_value(part) for part in _split(text[1:-1])]
        return tuple(elements) if text[0] == '(' else elements
    if len(parts := _split(text)) > 1 or text.endswith(','):
        return [parse_value(part) for part in parts]
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
