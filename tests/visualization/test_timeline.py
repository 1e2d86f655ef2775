from dataclasses import replace
from xml.etree import ElementTree

import matplotlib.image
import numpy as np
import pytest

from csre_mm.apis.prediction import NOBODY, Prediction, rank
from csre_mm.utils.errors import InputError
from csre_mm.visualization.timeline import draw_timeline, shown_classes, window_edges

NAMES = [f'action {label}' for label in range(20)]


def windows(*bests, classes=20):
    found = []
    for place, best in enumerate(bests):
        scores = np.full(classes, 0.01, np.float32)
        if best is None:
            scores[:] = 0
            answer = (NOBODY, 'nobody', 0.0)
        else:
            scores[best] = 0.5 + 0.01 * place
            answer = rank(scores, NAMES, 1)[0]
        start = 4 * place
        found.append(Prediction('x', *answer, [], scores, start, start + 8))
    return found


def test_windows_are_drawn_around_the_middles():
    assert window_edges(windows(0, 1, 1)).tolist() == [0, 6, 10, 16]
    assert window_edges(windows(0)).tolist() == [0, 8]


def test_rows_are_the_best_classes_in_their_order_and_few_more():
    rows = shown_classes(windows(7, 3, None, 7))
    assert rows[:2] == [7, 3] and len(rows) == 5
    many = shown_classes(windows(*range(15)))
    assert many == list(range(5, 15))  # those with the highest scores


@pytest.mark.parametrize('suffix', ['.png', '.svg', '.pdf'])
def test_the_figure(tmp_path, suffix):
    path = tmp_path / f'x{suffix}'
    draw_timeline(windows(0, 1, None, 2), NAMES, path)
    if suffix == '.png':
        image = matplotlib.image.imread(path)
        assert image.shape[1] == pytest.approx(1440, abs=3)
    assert path.stat().st_size > 1000


def test_low_scores_are_seen_and_the_best_class_is_marked_in_its_row(tmp_path, drawn):
    found = windows(0, None, 1)
    draw_timeline(found, NAMES, tmp_path / 'x.png')
    axes = drawn[0].axes[0]
    cells, _, marks = axes.collections
    nothing, low = cells.to_rgba([0, 0.03])[:, :3] @ [0.2126, 0.7152, 0.0722]  # luminance
    assert nothing - low > 0.08
    rows = shown_classes(found)
    for mark, label in zip(marks.get_segments(), (0, 1), strict=True):
        assert mark[:, 1].tolist() == [rows.index(label)] * 2  # the middle of the row
    assert marks.get_segments()[0][:, 0].tolist() == [0, 6]


def test_control_characters_in_a_name_leave_the_figure_well_formed(tmp_path):
    found = [replace(window, name='a\x1b[31m\x00b') for window in windows(0, 1)]
    draw_timeline(found, NAMES, tmp_path / 'x.svg')
    ElementTree.parse(tmp_path / 'x.svg')


def test_a_bad_suffix(tmp_path):
    with pytest.raises(InputError, match='a figure is one of'):
        draw_timeline(windows(0), NAMES, tmp_path / 'x.bmp')
