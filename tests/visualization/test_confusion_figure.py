import matplotlib
import matplotlib.image
import numpy as np
import pytest

from csre_mm.utils.errors import InputError
from csre_mm.visualization.confusion_figure import draw_confusion
from tests.evaluation.test_confusion import MATRIX


def draw(path, classes=4, models=2, pairs=(), occurring=None):
    rng = np.random.default_rng(0)
    counts = rng.poisson(1.0, (models, classes, classes)) + 20 * np.eye(classes, dtype=np.int64)
    counts[:, occurring or classes :] = 0
    counts[:, :, occurring or classes :] = 0
    matrices = {f'model {i}': matrix for i, matrix in enumerate(counts)}
    draw_confusion(matrices, [f'class {i}' for i in range(classes)], path, pairs)


def has_colour(image, colour):
    return bool((np.abs(image[..., :3] - np.array(colour) / 255).max(axis=-1) < 0.02).any())


@pytest.mark.parametrize(('classes', 'models'), [(4, 1), (10, 2), (60, 2)])
def test_figure_is_readable_and_has_the_width_of_a_column(tmp_path, classes, models):
    path = tmp_path / 'new' / 'confusion.png'
    draw(path, classes, models, pairs=[(0, 1)])
    image = matplotlib.image.imread(path)
    height, width = (inches / 200 for inches in image.shape[:2])
    least, most = {1: (2.0, 3.8), 2: (5.5, 12)}[models]
    assert least < width < most
    assert 1.5 < height < width * 1.3
    assert has_colour(image, (0x08, 0x30, 0x6B))  # the end of the scale
    assert has_colour(image, (0xD5, 0x5E, 0x00))  # the outline
    assert list(path.parent.iterdir()) == [path]


def test_without_pairs_there_is_no_outline(tmp_path):
    draw(tmp_path / 'confusion.png')
    assert not has_colour(matplotlib.image.imread(tmp_path / 'confusion.png'), (0xD5, 0x5E, 0x00))


def test_classes_that_do_not_occur_are_left_out(tmp_path):
    draw(tmp_path / 'all.svg', 6)
    draw(tmp_path / 'some.svg', 6, occurring=4)
    assert '<!-- class 5 -->' in (tmp_path / 'all.svg').read_text()
    text = (tmp_path / 'some.svg').read_text()
    assert '<!-- class 3 -->' in text
    assert '<!-- class 4 -->' not in text and '<!-- class 5 -->' not in text


def test_numbers_names_and_accuracy_are_in_the_figure(tmp_path):
    draw_confusion({'ours $x': MATRIX}, ['a$b$', 'b', 'c', 'd'], tmp_path / 'c.svg')
    text = (tmp_path / 'c.svg').read_text()
    for words in ('ours $x (60.0 %)', 'a$b$', 'True class', 'Predicted class'):
        assert f'<!-- {words} -->' in text
    # 50 % in the entries (0, 0), (1, 0), (1, 1), (3, 2) and (3, 3), and once on the scale
    assert text.count('<!-- 50 -->') == 6
    assert text.count('<!-- 25 -->') == 3


@pytest.mark.parametrize(
    ('suffix', 'start'), [('.pdf', b'%PDF'), ('.svg', b'<?xml'), ('.PNG', b'\x89PNG')]
)
def test_formats_are_written_reproducibly_whatever_the_users_style(tmp_path, suffix, start):
    draw(tmp_path / f'one{suffix}')
    with matplotlib.rc_context({'font.size': 20, 'axes.facecolor': 'red'}):
        draw(tmp_path / f'two{suffix}')
        assert matplotlib.rcParams['font.size'] == 20
    content = (tmp_path / f'one{suffix}').read_bytes()
    assert content.startswith(start)
    assert content == (tmp_path / f'two{suffix}').read_bytes()


def test_figure_refuses(tmp_path):
    with pytest.raises(InputError, match=r'a\.jpeg: a figure is one of \.png \.pdf \.svg'):
        draw(tmp_path / 'a.jpeg')
    with pytest.raises(ValueError, match=r'a matrix of shape \(4, 4\) for 3 class names'):
        draw_confusion({'a': MATRIX}, 'abc', tmp_path / 'a.png')
    with pytest.raises(ValueError, match='no sample'):
        draw_confusion({'a': 0 * MATRIX}, 'abcd', tmp_path / 'a.png')
    assert not list(tmp_path.iterdir())
