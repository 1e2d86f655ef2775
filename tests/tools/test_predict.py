import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.commands import Command, captured
from tests.conftest import ROOT
from tests.inference import SHORT, make_checkpoint, write_config
from tests.ntu_files import NAME, write_raw


@pytest.fixture(scope='module')
def model(tmp_path_factory, ntu_file):
    folder = tmp_path_factory.mktemp('model')
    cfg, checkpoint = make_checkpoint('csre_ctrgcn_ntu60', ntu_file, folder, **SHORT)
    return write_config(cfg, folder), checkpoint


@pytest.fixture
def predict(model, tmp_path, monkeypatch, capsys):
    command = captured(Command('predict.py', tmp_path, monkeypatch), capsys)

    def predict(*arguments, config=None, checkpoint=None):
        status, out, err = command(config or model[0], checkpoint or model[1], *arguments)
        return status, out.splitlines(), err.splitlines()

    return predict


@pytest.fixture
def long(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / 'long.npy', rng.normal(size=(2, 30, 25, 3)).cumsum(1) * 0.05)
    return 'long.npy'


def test_a_raw_file_gets_its_top_classes(predict, tmp_path):
    write_raw(tmp_path, [NAME], num_frames=20)
    status, out, err = predict(f'{NAME}.skeleton', '--classes', 'ntu60', '--json', 'x.json')
    assert (status, err) == (0, [])
    assert out[0].split() == ['recording', 'score', 'class'] and len(out) == 7
    (found,) = json.loads((tmp_path / 'x.json').read_text())
    assert found['name'] == NAME and found['truth'] == 12 and len(found['scores']) == 60
    for line, answer in zip(out[1:6], found['top_k'], strict=True):
        assert f'{100 * answer["score"]:.1f} %' in line and answer['class_name'] in line
    assert '(is: tear up paper)' in out[1] or found['label'] == 12


def test_several_files_are_a_line_each(predict, ntu_file):
    status, out, _ = predict(ntu_file, '--split', 'xsub_val')
    assert status == 0 and len([line for line in out if line.startswith('xsub_val_')]) == 24
    assert any('of 24 answers of a known class are right' in line for line in out)


def test_an_answer_per_person(predict, long):
    status, out, _ = predict(long, '--per-person', '--top-k', 1)
    assert status == 0
    assert [line.split()[:3] for line in out[1:]] == [
        ['long', 'person', '1'],
        ['long', 'person', '2'],
    ]


def test_a_bad_file_does_not_stop_the_others(predict, tmp_path):
    write_raw(tmp_path / 'raw', [NAME], num_frames=20)
    (tmp_path / 'raw/bad.npy').write_bytes(b'x')
    status, out, err = predict('raw', '--gif', 'x.gif')
    assert status == 2 and any(line.startswith(NAME) for line in out)
    assert any('bad.npy: not an .npy' in line for line in err)
    assert err[-1] == 'predict.py: error: 1 of 2 inputs cannot be classified'
    assert not (tmp_path / 'x.gif').exists()


def test_windows_give_a_timeline_and_an_animation(predict, long, tmp_path):
    outputs = ['--timeline', 'x.svg', '--gif', 'x.gif', '--latency']
    status, out, _ = predict(long, '--window', 16, '--stride', 7, *outputs)
    assert status == 0
    assert [line.split()[1] for line in out if line.startswith('long')] == ['0-15', '7-22', '14-29']
    assert (tmp_path / 'x.svg').read_text().startswith('<?xml')
    with Image.open(tmp_path / 'x.gif') as movie:
        assert movie.n_frames == 15
    assert any(line.startswith('Latency of 3 answers about 16 frames') for line in out)


def test_figures_of_several_are_numbered(predict, long, tmp_path):
    (tmp_path / 'two').mkdir()
    for name in ('a', 'b'):
        shutil.copy(tmp_path / long, tmp_path / f'two/{name}.npy')
    assert predict('two', '--window', 16, '--timeline', 'x.png')[0] == 0
    assert sorted(path.name for path in tmp_path.glob('*.png')) == ['x_1.png', 'x_2.png']


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['nowhere.npy'], 'nowhere.npy: no such file or folder'),
        (['long.npy', '--json', 'x.txt'], '--json x.txt: the name must end in .json'),
        (['long.npy', '--timeline', 'x.png'], '--timeline needs --window FRAMES'),
        (['long.npy', '--gif', 'x.mp4'], '--gif x.mp4: the name must end in .gif'),
        (['long.npy', '--stride', '3'], 'a stride of 3 needs a window'),
        (['long.npy', '--classes', 'x'], 'class names x: no such file, and none of ntu120, '),
        (['long.npy', '--device', 'x'], "no device 'x'"),
        (['ANN', '--split', 'test'], "has no split 'test'; it has xsub_train, xsub_val"),
        (['ANN', '--gif', 'x.gif'], '48 recordings, figures are drawn of 20 at most'),
        (['ANN', '--latency'], '--latency: 48 recordings, expected one'),
    ],
)
def test_a_bad_argument_is_one_line(predict, long, ntu_file, arguments, message):
    status, _, err = predict(*[ntu_file if a == 'ANN' else a for a in arguments])
    assert status == 2 and len(err) == 1
    assert err[0].startswith('predict.py: error: ') and message in err[0]


def test_a_wrong_config_or_checkpoint_is_one_line(predict, model, long, tmp_path):
    (tmp_path / 'half.pth').write_bytes(model[1].read_bytes()[:5000])
    for change, message in (
        (dict(checkpoint='half.pth'), 'half.pth cannot be read as a checkpoint'),
        (dict(checkpoint='no.pth'), 'no such checkpoint: no.pth'),
        (dict(config=ROOT / 'configs/hcn_ntu60.py'), 'is a checkpoint of another model: '),
        (dict(config='no.py'), 'no such config: no.py'),
    ):
        status, _, err = predict(long, **change)
        assert status == 2 and len(err) == 1 and message in err[0]


def test_help_has_an_example(predict, capsys, monkeypatch, tmp_path):
    for script in ('predict.py', 'analysis/embedding.py', 'analysis/report.py'):
        assert Command(script, tmp_path, monkeypatch)('--help') == 0
        assert 'example' in (text := capsys.readouterr().out) and f'python tools/{script}' in text
