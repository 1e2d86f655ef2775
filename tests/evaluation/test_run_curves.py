import json
import math

import matplotlib.image
import numpy as np
import pytest

from csre_mm.evaluation.training_log import Run, Series, find_logs, read_run, smooth
from csre_mm.utils.errors import InputError
from csre_mm.visualization.curves_figure import PANELS, draw_curves
from csre_mm.visualization.figures import paper_style


def train(iteration, epoch=None, **values):
    entry = dict(lr=0.1, **values, iter=iteration, step=iteration)
    return entry if epoch is None else entry | dict(epoch=epoch)


def write(folder, entries, start='20260101_000000', end=''):
    path = folder / start / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text(''.join(f'{json.dumps(entry)}\n' for entry in entries) + end)
    return path


EPOCHS = [
    train(2, 1, loss=4.0, loss_cls=3.0),
    train(4, 1, loss=3.0, loss_cls=2.5),
    train(5, 1, loss=2.5),
    {'acc/top1': 0.5, 'time': 1.0, 'step': 1},
    train(7, 2, loss=2.0),
    train(10, 2, loss=1.0),
    {'acc/top1': 0.25, 'time': 1.0, 'step': 2},
]


def test_iterations_become_epochs(tmp_path):
    write(tmp_path, EPOCHS)
    run = read_run(tmp_path)
    assert run.unit == 'epoch' and run.notes == []
    np.testing.assert_allclose(run.series['loss'].x, [0.4, 0.8, 1.0, 1.4, 2.0])
    np.testing.assert_array_equal(run.series['loss'].y, [4, 3, 2.5, 2, 1])
    np.testing.assert_array_equal(run.series['acc/top1'].x, [1, 2])
    np.testing.assert_array_equal(run.series['loss_cls'].y, [3, 2.5])
    assert not {'iter', 'epoch', 'step'} & set(run.series)


def test_a_run_that_counts_iterations(tmp_path):
    write(tmp_path, [train(50, loss=2), {'acc/top1': 0.5, 'step': 60}, train(100, loss=1)])
    run = read_run(tmp_path)
    assert run.unit == 'iteration'
    np.testing.assert_array_equal(run.series['loss'].x, [50, 100])
    np.testing.assert_array_equal(run.series['acc/top1'].x, [60])


def test_a_resumed_run_is_joined_where_it_went_on(tmp_path):
    """Killed in epoch 2, after the checkpoint of epoch 1: the second file counts from epoch 2."""
    write(tmp_path, EPOCHS[:5], '20260101_000000')
    again = [train(7, 2, loss=7.0), train(10, 2, loss=6.0), {'acc/top1': 0.75, 'step': 2}]
    write(tmp_path, again, '20260101_000001')
    run = read_run(tmp_path)
    np.testing.assert_array_equal(run.series['loss'].y, [4, 3, 2.5, 7, 6])
    np.testing.assert_array_equal(run.series['acc/top1'].y, [0.5, 0.75])


def test_a_run_that_was_started_anew_replaces_the_old_one(tmp_path):
    write(tmp_path, EPOCHS, '20260101_000000')
    write(tmp_path, [train(5, 1, loss=9.0)], '20260102_000000')
    run = read_run(tmp_path)
    np.testing.assert_array_equal(run.series['loss'].y, [9])
    assert 'acc/top1' not in run.series


def test_a_resumed_run_of_iterations(tmp_path):
    write(tmp_path, [train(50, loss=3), train(100, loss=2)], '20260101_000000')
    write(tmp_path, [train(100, loss=5), train(150, loss=4)], '20260102_000000')
    run = read_run(tmp_path)
    np.testing.assert_array_equal(run.series['loss'].x, [50, 100, 150])
    np.testing.assert_array_equal(run.series['loss'].y, [3, 5, 4])


@pytest.mark.parametrize('place', ['', '20260101_000000', '20260101_000000/vis_data'])
def test_any_folder_of_a_run_or_the_file(tmp_path, place):
    file = write(tmp_path, EPOCHS)
    assert find_logs(tmp_path / place) == [file]
    assert find_logs(file) == [file]


def test_an_incomplete_last_line_is_left_out_with_a_note(tmp_path):
    file = write(tmp_path, EPOCHS[:2], end='{"loss": 2.')
    run = read_run(tmp_path)
    assert len(run.series['loss'].y) == 2
    assert run.notes == [f'{file}: the last line is incomplete and was left out.']


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('', 'the log has no entry of a training$'),
        ('{"acc/top1": 0.5, "step": 1}\n', 'the log has no entry of a training$'),
        ('{"loss": 1\n{"loss": 1, "iter": 1}\n', 'scalars.json, line 1: expected a JSON object'),
        ('2026/01/01 - mmengine - INFO - log\n', 'line 1: expected a JSON object a line'),
        ('[1, 2]\n', 'line 1: is no log entry of mmengine$'),
        ('{"iter": "x"}\n', 'line 1: is no log entry of mmengine$'),
        ('{"iter": 1e999}\n', 'line 1: is no log entry of mmengine$'),
        ('{"iter": NaN, "epoch": 1}\n', 'line 1: is no log entry of mmengine$'),
        ('{"iter": -1}\n', 'line 1: is no log entry of mmengine$'),
        ('{"iter": ' + '9' * 400 + '}\n', 'line 1: is no log entry of mmengine$'),
        ('{"a": ' + '[' * 100_000 + '\n{}\n', 'line 1: expected a JSON object'),
    ],
)
def test_no_log(tmp_path, content, message):
    path = tmp_path / 'scalars.json'
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_run(path)


def test_a_value_that_no_float_holds_is_left_out(tmp_path):
    line = '{"iter": 1, "loss": 1.5, "large": %s, "word": "x"}' % ('9' * 400)
    (tmp_path / 'scalars.json').write_text(line + '\n')
    assert list(read_run(tmp_path).series) == ['loss']


def test_no_run(tmp_path):
    with pytest.raises(InputError, match=r'no such run: .*missing'):
        read_run(tmp_path / 'missing')
    with pytest.raises(InputError, match=r'holds no log of a run: expected \*/vis_data'):
        read_run(tmp_path)
    (tmp_path / 'scalars.json').write_bytes(b'\x80\x04\x95\xff')
    with pytest.raises(InputError, match='is not a text file in UTF-8'):
        read_run(tmp_path / 'scalars.json')
    for entry, part in (('{"epoch": 1, "iter": 1}', 'no number but'), ('{"step": 1}', 'no entry')):
        (tmp_path / 'scalars.json').write_text(entry)
        with pytest.raises(InputError, match=part):
            read_run(tmp_path / 'scalars.json')
    (tmp_path / 'scalars.json').write_text('{"epoch": 1, "iter": 0, "loss": 1}')
    assert read_run(tmp_path / 'scalars.json').last('loss') == 1


@pytest.mark.parametrize(
    ('window', 'expected'),
    [(1, [1, 2, 6, 3]), (2, [1, 1.5, 4, 4.5]), (3, [1.5, 3, 11 / 3, 4.5]), (9, [3, 3, 3, 3])],
)
def test_smooth(window, expected):
    series = smooth(Series(np.arange(4.0), np.array([1.0, 2, 6, 3])), window)
    np.testing.assert_allclose(series.y, expected)
    np.testing.assert_array_equal(series.x, np.arange(4))


def test_summary(tmp_path):
    write(tmp_path, EPOCHS)
    run = read_run(tmp_path)
    assert (run.length, run.last('loss'), run.last('acc/top1')) == (2, 1, 0.25)
    assert run.best('acc/top1') == (0.5, 1)
    assert math.isnan(run.last('spatial_anchors')) and math.isnan(run.best('spatial_anchors')[0])
    run.series['acc/top1'] = Series(np.arange(3.0), np.array([math.nan, 0.5, 0.5]))
    assert run.best('acc/top1') == (0.5, 1)


def run_of(keys, unit='epoch', points=20):
    rng = np.random.default_rng(len(keys))
    x = np.linspace(0.1, 5, points)
    return Run(unit, {key: Series(x, rng.random(points)) for key in keys}, [])


EVERY_KEY = [key for panel in PANELS for key in panel.lines]


@pytest.mark.parametrize(('width', 'inches'), [('column', 3.5), ('page', 7.2)])
def test_the_figure_fits_the_paper(tmp_path, width, inches):
    runs = {f'run with a long name {i}': run_of(EVERY_KEY) for i in range(7)}
    draw_curves(runs, tmp_path / 'a.png', 5, width)
    image = matplotlib.image.imread(tmp_path / 'a.png')
    assert image.shape[1] == round(200 * inches)
    assert image.shape[0] < 200 * 9.5


@pytest.mark.parametrize('width', ['column', 'page'])
def test_no_title_touches_its_legend(tmp_path, drawn, width):
    runs = {'a': run_of(EVERY_KEY)}
    runs['a'].series['lr'] = Series(np.arange(3.0), np.array([0.0, 0.0002, 0.0005]))
    draw_curves(runs, tmp_path / 'a.png', 1, width)
    with_legend = [axes for axes in drawn[0].axes if axes.get_legend()]
    assert len(with_legend) == 5
    with paper_style():
        drawn[0].draw_without_rendering()
        for axes in with_legend:
            title, legend = axes._left_title, axes.get_legend()
            assert title.get_window_extent().x1 + 8 < legend.get_window_extent().x0, title


def test_panels_without_values_are_left_out(tmp_path):
    draw_curves({'a': run_of(['loss', 'loss_cls', 'acc/top1', 'lr'])}, tmp_path / 'a.svg')
    text = (tmp_path / 'a.svg').read_text()
    for title in ('Loss, total', 'Classification loss', 'Top-1 (%)', 'Learning rate', 'Epoch'):
        assert f'<!-- {title} -->' in text
    for title in ('Contrast loss', 'Bank (%)', 'Spatial similarity', 'training'):
        assert f'<!-- {title} -->' not in text


def test_every_run_has_its_colour_and_name(tmp_path):
    runs = {'base': run_of(['loss', 'lr']), 'our$x$': run_of(EVERY_KEY)}
    draw_curves(runs, tmp_path / 'a.svg')
    text = (tmp_path / 'a.svg').read_text().lower()
    assert '<!-- base -->' in text and '<!-- our$x$ -->' in text
    assert 'stroke: #0072b2' in text and 'stroke: #d55e00' in text and '#009e73' not in text


def test_figures_are_written_reproducibly(tmp_path):
    for name in 'ab':
        draw_curves({'x': run_of(EVERY_KEY)}, tmp_path / f'{name}.pdf', 3)
    assert (tmp_path / 'a.pdf').read_bytes() == (tmp_path / 'b.pdf').read_bytes()


def test_figure_refuses(tmp_path):
    path = tmp_path / 'a.png'
    with pytest.raises(InputError, match='8 runs, a figure tells at most 7 apart'):
        draw_curves({str(i): run_of(['loss']) for i in range(8)}, path)
    with pytest.raises(InputError, match='unit: a epochs, b iterations'):
        draw_curves({'a': run_of(['loss']), 'b': run_of(['loss'], 'iteration')}, path)
    with pytest.raises(InputError, match='the logs of a have nothing that is drawn'):
        draw_curves({'a': run_of(['memory'])}, path)
    with pytest.raises(InputError, match='a figure is one of'):
        draw_curves({'a': run_of(['loss'])}, tmp_path / 'a.gif')
    assert not path.exists()
