"""The text of a config, as mmengine writes it into checkpoints, read without running it."""

import ast
from typing import Any

LONGEST = 1 << 20
"""Characters of a config; its syntax tree takes some hundred times the memory."""


def parse_settings(text: str) -> dict[str, Any]:
    """Read ``name = value`` lines; anything else is a ``ValueError``.

    Example:
        >>> parse_settings("model = dict(type='RecognizerGCN', neck=None)")
        {'model': {'type': 'RecognizerGCN', 'neck': None}}
    """
    if len(text) > LONGEST:
        raise ValueError(f'{len(text):,} characters, at most {LONGEST:,} are read')
    settings = {}
    try:
        for line in ast.parse(text).body:
            if not isinstance(line, ast.Assign) or not isinstance(line.targets[0], ast.Name):
                raise ValueError(f'line {line.lineno} sets no value')
            settings[line.targets[0].id] = read_literal(line.value)
    except (SyntaxError, RecursionError, MemoryError) as error:
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
