import base64
import json
import os
import re
from datetime import datetime, timezone
from html.parser import HTMLParser

import pytest
import torch

from csre_mm.utils.errors import InputError
from csre_mm.version import __version__
from csre_mm.visualization.report import Report
from csre_mm.visualization.report_page import Page
from csre_mm.visualization.run_folder import bank_notes, bank_rows, gather_run, summary_row
from tests.commands import Command, scores_of, write_dump
from tests.inference import SHORT, make_checkpoint

LABELS = [label for label in range(3) for _ in range(10)]


class Parts(HTMLParser):
    """What a page is made of."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.text = [], [], ''
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for key, value in attrs if key in ('src', 'href')]

    def handle_data(self, data):
        self.text += data


def entries(csre, anchors=1.0, accuracy=0.5):
    health = {}
    if csre:
        for bank in ('spatial', 'temporal'):
            health |= {f'{bank}_anchors': anchors, f'{bank}_bank_filled': 0.75}
            health |= {f'{bank}_positive_sim': 0.5, f'{bank}_hard_negative_sim': 0.25}
    train = dict(lr=0.1, loss=2.0, loss_cls=1.0, **health)
    return [
        train | dict(iter=2, epoch=1, step=2),
        {'acc/top1': accuracy, 'step': 1},
        train | dict(iter=4, epoch=2, step=4, loss=1.0),
        {'acc/top1': accuracy - 0.1, 'step': 2},
    ]


@pytest.fixture
def run(tmp_path, ntu_file):
    """Makes the folder of a run."""

    def run(name, csre, predictions=None, **values):
        folder = tmp_path / name
        log = folder / '20260102_030405/vis_data'
        log.mkdir(parents=True)
        lines = ''.join(json.dumps(entry) + '\n' for entry in entries(csre, **values))
        (log / 'scalars.json').write_text(lines)
        config = f'{"csre_" if csre else ""}ctrgcn_ntu60'
        cfg, checkpoint = make_checkpoint(config, ntu_file, tmp_path, **SHORT)
        cfg.dump(folder / f'{config}.py')
        state = torch.load(checkpoint, weights_only=True)['state_dict']
        if csre:
            for bank in ('spatial', 'temporal'):
                state[f'neck.loss_{bank}.bank.labels'] = torch.tensor([0, 1, 2, -1])
        torch.save({'state_dict': state}, folder / 'epoch_2.pth')
        if predictions is not None:
            write_dump(folder / 'scores.pkl', scores_of(predictions, LABELS, classes=60))
        return folder

    return run


def test_a_run_is_gathered(run):
    found = gather_run('x', run('csre', True, LABELS, accuracy=0.625))
    row = summary_row(found)
    started = '2026-01-02 03:04:05'
    assert row == ['x', 'CTRGCN', 'yes', started, '2 epochs', '62.50 (epoch 1)', '52.50']
    spatial, temporal = bank_rows(found)
    assert spatial == ['x, spatial', '4', '1', '100.00', '75.00', '0.500', '0.250', '-']
    assert temporal[0] == 'x, temporal'
    assert bank_notes(found) == [
        f'x: the {bank} bank has slots that were never filled.' for bank in ('spatial', 'temporal')
    ]
    assert found.missing == [] and list(found.scores) == ['scores']


def test_no_config_in_the_folder_is_run(run, tmp_path):
    folder, made = run('base', False), tmp_path / 'made'
    code = f"open({str(made)!r}, 'w')\nmodel = dict(backbone=dict(type='Evil'))\n"
    (folder / 'newest.py').write_text(code)
    os.utime(folder / 'newest.py', (2**32, 2**32))
    assert gather_run('x', folder).cfg.model.backbone.type == 'CTRGCN'
    (folder / 'ctrgcn_ntu60.py').unlink()
    with pytest.raises(InputError, match=r'newest\.py: no config of a recognizer'):
        gather_run('x', folder)
    assert not made.exists()


def test_an_inactive_contrast_is_reported(run):
    assert (
        'the spatial contrast is inactive'
        in bank_notes(gather_run('x', run('a', True, anchors=0.0)))[0]
    )
    assert '25 % of the anchors' in bank_notes(gather_run('x', run('b', True, anchors=0.25)))[0]


def test_what_is_missing_is_named_with_its_command(run, tmp_path):
    folder = run('base', False)
    found = gather_run('x', folder)
    assert found.missing == [
        f'There are no scores: python tools/test.py CONFIG CHECKPOINT --dump {folder}/scores.pkl'
    ]
    assert bank_rows(found) == [] and summary_row(found)[2] == 'no'
    with pytest.raises(InputError, match='no such folder'):
        gather_run('x', tmp_path / 'nowhere')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(InputError, match='neither a log nor a score file'):
        gather_run('x', tmp_path / 'empty')
    (folder / 'other.pkl').write_bytes(b'x')
    with pytest.raises(InputError, match=r'other\.pkl'):
        gather_run('x', folder)


def test_a_page_escapes_and_holds_its_figures(tmp_path):
    image = tmp_path / 'x.svg'
    image.write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>')
    page = Page('<b>&title')
    page.paragraph('<script>alert(1)</script>')
    page.table(['<i>'], [['"quoted" <td>']])
    page.figure(image, 'a "caption"')
    page.folded('more', '</pre><a href="http://x">')
    parts = Parts(page.html())
    assert 'script' not in parts.tags and 'a' not in parts.tags and 'i' not in parts.tags
    assert '<script>alert(1)</script>' in parts.text and '"quoted" <td>' in parts.text
    (source,) = parts.links
    kind, _, data = source.partition(',')
    assert kind == 'data:image/svg+xml;base64'
    assert base64.b64decode(data) == image.read_bytes()


def test_the_command(run, tmp_path, monkeypatch, capsys):
    wrong = [(label + (place % 5 == 0)) % 3 for place, label in enumerate(LABELS)]
    base, csre = run('base', False, wrong), run('csre', True, LABELS)
    (csre / 'own.svg').write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    report = Command('analysis/report.py', tmp_path, monkeypatch)
    assert report(f'b={base}', csre, '--out', 'x.html', '--classes', 'ntu60') == 0
    assert capsys.readouterr().out.splitlines()[-1] == 'The report is in x.html.'
    parts = Parts((tmp_path / 'x.html').read_text())
    assert all(link.startswith('data:image/') for link in parts.links)
    assert not {'script', 'link', 'iframe'} & set(parts.tags)
    assert parts.tags.count('img') == 6  # classes, pairs, curves, 2 confusions, own
    for text in ('Summary', 'csre against b', 'Memory banks', 'Confusion of b', 'own.svg'):
        assert text in parts.text
    assert f'UTC by csre_mm {__version__}' in parts.text
    assert f'Written on {datetime.now(timezone.utc):%Y-%m-}' in parts.text
    for text in ('80.00', '100.00', '+20.00', 'drink water', 'more in training', 'CTRGCN'):
        assert text in parts.text
    assert report(csre) == 0 and (csre / 'report.html').is_file()


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['nowhere'], 'nowhere: no such folder'),
        (['a=x', 'a=y'], 'there already is a run named a, use NAME=RUN'),
        (['=x'], 'expected RUN or NAME=RUN'),
        (['x', '--out', 'x.pdf'], r'must end in \.html'),
    ],
)
def test_bad_arguments(tmp_path, monkeypatch, capsys, arguments, message):
    assert Command('analysis/report.py', tmp_path, monkeypatch)(*arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(message, line)


def test_other_samples_are_not_compared(run, tmp_path, monkeypatch):
    base, csre = run('base', False, LABELS), run('csre', True, LABELS)
    other = scores_of(LABELS, LABELS, classes=60, names=[f't{i}' for i in range(30)])
    write_dump(csre / 'scores.pkl', other)
    assert Command('analysis/report.py', tmp_path, monkeypatch)(base, csre, '--out', 'x.html') == 0
    text = Parts((tmp_path / 'x.html').read_text()).text
    assert 'They cannot be compared' in text


def test_what_a_folder_names_is_not_run(run, tmp_path):
    folder = run('csre', True, LABELS)
    (file,) = folder.glob('*.py')
    text = file.read_text()
    marker = tmp_path / 'ran'
    (tmp_path / 'names.py').write_text(f'open({str(marker)!r}, "w")')
    call = f"type='subprocess.getoutput', cmd='touch {marker}'"
    names = f'\ndata = dict(class_names={f"{tmp_path}/names.py/"!r})\n'
    assert "type='CTRGCN'" in text
    file.write_text(text.replace("type='CTRGCN'", call) + names)
    report = Report([gather_run('x', folder)], 'A title')
    for section in report.sections():
        section()
    assert not marker.exists() and 'no costs' in report.html()
