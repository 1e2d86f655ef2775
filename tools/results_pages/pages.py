"""The tables of README.md and docs/results.md, in Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from csre_mm.experiments.results import Results
from csre_mm.experiments.summary import HEADER, Row, say_row, summarise
from csre_mm.utils.errors import InputError
from csre_mm.utils.tables import percent
from results_pages.grid import Change
from results_pages.metafile import fill_command
from results_pages.zoo import BENCHMARKS, ENCODERS, config_names, split_name

_BEGIN, _END = '<!-- results: ', '<!-- end of results -->'
_BLOCK = re.compile(rf'(?P<begin>{_BEGIN}(?P<name>.+?) -->\n).*?(?P<end>{_END})', re.DOTALL)


def fill_blocks(page: str, tables: Mapping[str, str], name: str) -> str:
    """Put tables between the marks of a page.

    Args:
        page: Its text; ``<!-- results: NAME -->`` and ``<!-- end of results -->`` are the marks.
        tables: By name.
        name: Of the page, for messages.

    Raises:
        InputError: If a mark names no table, or has no end.
    """

    def fill(match: re.Match) -> str:
        if match['name'] not in tables:
            raise InputError(f'{name}: there are no results {match["name"]!r} in docs/results')
        return f'{match["begin"]}\n{tables[match["name"]]}\n{match["end"]}'

    if page.count(_BEGIN) != page.count(_END):
        raise InputError(f'{name}: it has {page.count(_BEGIN)} marks and {page.count(_END)} ends')
    return _BLOCK.sub(fill, page)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A table, the first ``left`` columns aligned to the left and the others to the right."""
    rule = ['---' if place < left else '---:' for place in range(len(header))]
    lines = [header, rule, *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines) + '\n'


def overview(metafiles: Mapping[str, Mapping[str, Any]]) -> str:
    """The models of all metafiles that have results."""
    rows = []
    for metafile in metafiles.values():
        baseline: dict[tuple, Mapping] = {}
        pairs = [(model, result) for model in metafile['Models'] for result in model['Results']]
        for model, result in pairs:
            if 'CSRE' not in model['Metadata']['Architecture']:
                baseline[_tested(model, result)] = result['Metrics']
        rows += [
            _overview_row(model, result, baseline[_tested(model, result)])
            for model, result in pairs
            if 'Change over Baseline' in result['Metrics']
        ]
    header = ['config', 'tested on', 'epochs', 'seeds', 'baseline', 'CSRE', 'change', 'interval']
    return markdown_table(header, rows, left=2)


def _tested(model: Mapping, result: Mapping) -> tuple[str, ...]:
    """What a model with CSRE and its baseline have in common."""
    keys = ('Training Data', 'Stream', 'Training Command')
    return *(model['Metadata'][key] for key in keys), result['Dataset']


def _overview_row(model: Mapping, result: Mapping, before: Mapping) -> list[str]:
    about, metrics = model['Metadata'], result['Metrics']
    stream = '' if about['Stream'] == 'j' else f', {about["Stream"]}'
    low, high = metrics['95 % Interval of the Change']
    return [
        f'`{model["Config"].removeprefix("configs/csre_").removesuffix(".py")}`{stream}',
        result['Dataset'],
        f'{about["Epochs"]} of {about["Epochs of the Recipe"]}',
        str(len(about['Seeds'])),
        f'{before["Top 1 Accuracy"]:.2f}',
        f'{metrics["Top 1 Accuracy"]:.2f}',
        f'{metrics["Change over Baseline"]:+.2f}',
        f'{low:+.2f} to {high:+.2f}',
    ]


def result_tables(results: Results) -> str:
    """The tables of one results file: last epoch, best epoch, and what each run was."""
    rows = summarise(results)
    parts = [_say_variants(results)]
    for subset in (results.split, *results.subsets):
        count = int(results.mask(subset).sum())
        kind = ', held-out subjects' if results.held_out else ''
        chosen = [row for row in rows if row.subset == subset]
        parts.append(f'`{subset}`, {count} samples{kind}, last epoch:\n')
        parts.append(_accuracy_table([row for row in chosen if row.checkpoint == 'last']))
        parts.append(
            f'`{subset}`, the epoch with the highest top-1 **on these same samples** (an upper '
            'bound, not a result):\n'
        )
        parts.append(_accuracy_table([row for row in chosen if row.checkpoint == 'best']))
    parts.append(_run_table(results))
    return '\n'.join(parts)


def change_table(changes: Iterable[Change]) -> str:
    """The table that answers the protocol's question."""
    rows = []
    for change in changes:
        pairs = ' to '.join(map(str, sorted(set(change.seeds))))
        ends = f'{percent(change.low, signed=True)} to {percent(change.high, signed=True)}'
        name = [change.encoder, ' + '.join(change.data), change.variant, pairs]
        rows.append([*name, percent(change.baseline), percent(change.mean, signed=True), ends])
    header = ['encoder', 'data', 'variant', 'pairs', 'baseline', 'change', '95 % interval']
    return markdown_table(header, rows, left=3)


def experiment_tables(grid: Iterable[Results]) -> str:
    """The last epochs of some results files, and what each run was."""
    parts = []
    for results in grid:
        rows = [row for row in summarise(results) if row.subset == results.split]
        last = _accuracy_table([row for row in rows if row.checkpoint == 'last'])
        parts += [_say_variants(results), last, _run_table(results)]
    return '\n'.join(parts)


def missing_table(published: Iterable[Results]) -> str:
    """The configs that nobody has run, and the command that fills each row."""
    tested = [results for results in published if not results.held_out]
    done = {experiment.config for results in tested for experiment in results.experiments}
    rows = []
    for config in config_names():
        if config not in done:
            encoder, benchmark = split_name(config)
            name = ENCODERS[encoder].name, BENCHMARKS[benchmark]
            rows.append([*name, '', '', f'`{fill_command(config)}`'])
    header = ['encoder', 'benchmark', 'baseline', 'CSRE', 'command']
    return markdown_table(header, rows, left=5)


def _say_variants(results: Results) -> str:
    lines = [f'**{results.title}**\n', f'`{results.command}`\n']
    ran = {experiment.variant for experiment in results.experiments}
    rows = [
        [f'`{name}`', ' '.join(f'`{option}`' for option in options)]
        for name, options in results.variants.items()
        if options and name in ran
    ]
    if rows:
        lines.append(markdown_table(['variant', 'differs from its config by'], rows, left=2))
    return '\n'.join(lines)


def _accuracy_table(rows: Sequence[Row]) -> str:
    said = (say_row(row) for row in rows)
    return markdown_table(HEADER, [[f'`{config}`', *rest] for config, *rest in said], left=3)


def _run_table(results: Results) -> str:
    """Commit, machine and time of the runs of each variant."""
    found: dict[tuple, list[float | None]] = {}
    for experiment in results.experiments:
        for run in experiment.runs:
            attempts = run['attempts']
            commits = ', '.join(dict.fromkeys(f'`{a["commit"]}`' for a in attempts))
            machines = ', '.join(dict.fromkeys(a['machine'] for a in attempts))
            jobs = ', '.join(dict.fromkeys(str(a['jobs']) for a in attempts))
            seconds = [a['seconds'] for a in attempts]
            key = experiment.config, experiment.variant, commits, machines, jobs
            found.setdefault(key, []).append(
                None if None in seconds else sum(filter(None, seconds))
            )
    rows = []
    for (config, variant, commits, machines, jobs), times in found.items():
        known = [time / 60 for time in times if time is not None]
        mean = f'{sum(known) / len(known):.1f}' if known else ''
        rows.append([f'`{config}`', variant, commits, machines, jobs, str(len(times)), mean])
    header = ['config', 'variant', 'commit', 'machine', 'runs at once', 'runs', 'minutes each']
    return markdown_table(header, rows, left=4)
