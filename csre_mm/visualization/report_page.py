"""One HTML page that needs no other file: no script, no link, images inside."""

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

_TYPES = {'.svg': 'image/svg+xml', '.png': 'image/png', '.gif': 'image/gif'}
IMAGES = tuple(_TYPES)  # suffixes of images that a page can hold

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 98rem; margin: 2rem auto; padding: 0 1rem; }
p, ul { max-width: 62rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
h1, h2, h3 { line-height: 1.25; break-after: avoid; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child, .texts th, .texts td { text-align: left; }
thead th { background: var(--soft); vertical-align: bottom; }
figure { display: inline-block; vertical-align: top; width: min(100%, 47rem); break-inside: avoid;
  margin: 1.2rem 1rem 0 0; }
figure img { box-sizing: border-box; background: #fff; padding: .5rem; border-radius: 4px;
  width: 100%; max-height: 60rem; object-fit: contain; }
figure.large { width: min(100%, 72rem); }
figcaption, .note { font-size: .9rem; opacity: .85; }
pre { background: var(--soft); padding: .8rem; overflow-x: auto; font-size: .8rem; }
code { font-size: .9em; overflow-wrap: anywhere; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; } pre { white-space: pre-wrap; }
  tr { break-inside: avoid; } }
"""


class Page:
    """A page that is filled from top to bottom; every text given to it is escaped."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._parts = [f'<h1>{escape(title)}</h1>']

    def heading(self, text: str, level: int = 2) -> None:
        """Begin a section."""
        self._parts.append(f'<h{level}>{escape(text)}</h{level}>')

    def paragraph(self, text: str, note: bool = False) -> None:
        """Add a paragraph, a quieter one if it is a note."""
        self._parts.append(f'<p{" class=note" if note else ""}>{escape(text)}</p>')

    def items(self, texts: Sequence[str]) -> None:
        """Add a list."""
        self._parts.append('<ul>' + ''.join(f'<li>{escape(t)}</li>' for t in texts) + '</ul>')

    def table(
        self, header: Sequence[str], rows: Sequence[Sequence[str]], texts: bool = False
    ) -> None:
        """Add a table; the first column names its rows, the others hold numbers or texts."""
        head = ''.join(f'<th scope="col">{escape(title)}</th>' for title in header)
        body = ''
        for name, *values in rows:
            cells = ''.join(f'<td>{escape(value)}</td>' for value in values)
            body += f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>\n'
        kind = 'wide texts' if texts else 'wide'
        self._parts.append(
            f'<div class="{kind}"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody>'
            '</table></div>'
        )

    def figure(self, path: Path, caption: str, large: bool = False) -> None:
        """Add an image: its bytes, so that nothing in an ``.svg`` can act on the page."""
        data = base64.b64encode(path.read_bytes()).decode('ascii')
        source = f'data:{_TYPES[path.suffix.lower()]};base64,{data}'
        text = escape(caption)
        kind = ' class=large' if large else ''
        self._parts.append(
            f'<figure{kind}><img alt="{text}" src="{source}"><figcaption>{text}</figcaption>'
            '</figure>'
        )

    def folded(self, summary: str, text: str) -> None:
        """Add a long text that opens on a click."""
        self._parts.append(
            f'<details><summary>{escape(summary)}</summary><pre>{escape(text)}</pre></details>'
        )

    def html(self) -> str:
        """The page."""
        body = '\n'.join(self._parts)
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<title>{escape(self._title)}</title>\n<style>{_STYLE}</style></head>\n'
            f'<body>\n{body}\n</body></html>\n'
        )
