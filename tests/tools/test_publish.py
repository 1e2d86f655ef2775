"""A published checkpoint is the baseline, bit for bit."""

import hashlib
import multiprocessing
import pickle
import re

import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint

from csre_mm.apis import build_runner, publish
from csre_mm.utils.errors import InputError
from tests.commands import captured, run_tool
from tests.conftest import config, options_of
from tests.runs import make_runner, small_config


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    return captured(run_tool, capsys)


@pytest.fixture(scope='module')
def trained(tmp_path_factory, ntu_file):
    """A checkpoint of a CSRE run of one iteration, with everything that a run writes."""
    folder = tmp_path_factory.mktemp('trained')
    options = {'train_cfg.max_epochs': 1, 'train_dataloader.dataset.indices': 8}
    make_runner('csre_ctrgcn_ntu60', ntu_file, folder, **options).train()
    return folder / 'epoch_1.pth'


def save(path, name, ann_file, **meta):
    """A checkpoint of an untrained model, the model and its config."""
    init_default_scope('mmaction')
    cfg = small_config(name, ann_file, path.parent)
    model = MODELS.build(cfg.model)
    torch.save({'meta': {'cfg': cfg.pretty_text, **meta}, 'state_dict': model.state_dict()}, path)
    return model, cfg


def scores(model, cfg):
    torch.manual_seed(0)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    batch = pseudo_collate([dataset[index] for index in range(2)])
    return torch.stack([sample.pred_score for sample in model.eval().test_step(batch)]).detach()


@pytest.mark.parametrize(
    'name', ['csre_ctrgcn_ntu60', 'csre_posec3d_ntu60', 'csre_hcn_nwucla', 'ctrgcn_ntu60']
)
def test_the_baseline_gives_the_same_scores_bit_for_bit(tmp_path, ntu_file, ucla_file, name):
    ann_file = ucla_file if name.endswith('nwucla') else ntu_file
    model, cfg = save(tmp_path / 'run.pth', name, ann_file)
    result = publish(tmp_path / 'run.pth', tmp_path / 'out')
    baseline_cfg = small_config(name.removeprefix('csre_'), ann_file, tmp_path)
    expected = scores(model, cfg)
    inside = torch.load(result.path, weights_only=True)['meta']['cfg']
    for settings in (baseline_cfg, Config.fromstring(inside, '.py')):
        assert settings.model.type in ('RecognizerGCN', 'Recognizer3D')
        assert 'neck' not in settings.model
        baseline = MODELS.build(settings.model)
        load_checkpoint(baseline, str(result.path), strict=True)
        assert torch.equal(scores(baseline, settings), expected)


def test_nothing_of_the_training_is_left(trained, tmp_path):
    result = publish(trained, tmp_path / 'model.pth')
    assert result.left_out == ['message_hub', 'optimizer', 'param_schedulers']
    assert result.neck_tensors == 14 and not result.averaged
    assert result.size == result.path.stat().st_size < result.size_before
    content = torch.load(result.path, weights_only=True)  # with no allowed globals
    assert content.keys() == {'meta', 'state_dict'}
    assert not [key for key in content['state_dict'] if key.startswith('neck')]
    cfg = Config.fromstring(content['meta']['cfg'], '.py')
    assert not [key for key in cfg if key.startswith(('train', 'optim', 'val', 'work', 'load'))]
    count = sum(p.numel() for p in MODELS.build(cfg.model).parameters())
    assert result.parameters == count


def test_the_hash_is_of_the_bytes_and_the_same_each_time(trained, tmp_path, run):
    first = publish(trained, tmp_path / 'first.pth').path
    digest = hashlib.sha256(first.read_bytes()).hexdigest()[:8]
    assert first.name == f'first-{digest}.pth'
    assert publish(first, tmp_path / 'again').path.name == f'again-{digest}.pth'
    start = multiprocessing.get_context('forkserver').Process
    process = start(target=publish, args=(trained, tmp_path / 'third'))  # other hashes of strings
    process.start()
    process.join()
    assert (tmp_path / f'third-{digest}.pth').read_bytes() == first.read_bytes()
    out = run('publish.py', trained, 'folder/other')[1]
    assert (tmp_path / f'folder/other-{digest}.pth').is_file()
    assert re.search(r'other-[0-9a-f]{8}\.pth: \d+\.\d+ MB, weights, [0-9,]+ parameters', out)
    assert 'left out: 14 tensors of the neck and its memory banks, message_hub, opt' in out


def test_other_weights_have_another_hash(tmp_path, ntu_file):
    save(tmp_path / 'a.pth', 'csre_ctrgcn_ntu60', ntu_file)
    content = torch.load(tmp_path / 'a.pth', weights_only=True)
    content['state_dict']['cls_head.fc.bias'][3] += 1e-6
    torch.save(content, tmp_path / 'b.pth')
    paths = [publish(tmp_path / name, tmp_path / 'out').path for name in ('a.pth', 'b.pth')]
    assert paths[0] != paths[1]


def test_the_config_inside_tests_alone(trained, tmp_path, run, ntu_file):
    """The text as a config file, without a base: the test command gives the scores of the run."""
    path = publish(trained, tmp_path / 'model.pth').path
    text = torch.load(path, weights_only=True)['meta']['cfg']
    (tmp_path / 'inside.py').write_text(text)
    original = small_config('csre_ctrgcn_ntu60', ntu_file, tmp_path)
    original.experiment_name = 'original'
    original.dump(str(tmp_path / 'original.py'))
    dumps = []
    for settings, checkpoint in (('original', trained), ('inside', path)):
        status, _, err = run('test.py', f'{settings}.py', checkpoint, '--dump', f'{settings}.pkl')
        assert status == 0, err
        dumps.append(pickle.loads((tmp_path / f'{settings}.pkl').read_bytes()))
    for ours, theirs in zip(*dumps, strict=True):
        assert ours['frame_dir'] == theirs['frame_dir']
        assert (ours['pred_score'] == theirs['pred_score']).all()


def test_averaged_weights_are_what_is_published(tmp_path, ntu_file):
    """mmengine's EMAHook swaps: state_dict has the averages, ema_state_dict the last weights."""
    options = {'train_cfg.max_epochs': 1, 'train_dataloader.dataset.indices': 16}
    cfg = small_config('csre_ctrgcn_ntu60', ntu_file, tmp_path / 'run', **options)
    cfg.custom_hooks = [*cfg.custom_hooks, dict(type='EMAHook', momentum=0.5)]
    runner = build_runner(cfg)
    runner.train()
    result = publish(tmp_path / 'run/epoch_1.pth', tmp_path / 'out')
    assert result.averaged and 'ema_state_dict' in result.left_out
    found = torch.load(result.path, weights_only=True)['state_dict']['cls_head.fc.weight']
    hook = next(hook for hook in runner.hooks if type(hook).__name__ == 'EMAHook')
    assert torch.equal(found, hook.ema_model.module.cls_head.fc.weight)
    assert not torch.equal(found, runner.model.cls_head.fc.weight)


def test_a_checkpoint_without_a_config_takes_one(run, tmp_path, ntu_file):
    model, _ = save(tmp_path / 'run.pth', 'ctrgcn_ntu60', ntu_file)
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, 'bare.pth')
    status, _, err = run('publish.py', 'bare.pth', 'out.pth')
    assert status == 2 and err == (
        'publish.py: error: bare.pth holds no config: name it with --config\n'
    )
    options = [*options_of(ntu_file, csre=True), 'model.data_preprocessor.stream=b']
    arguments = ['--config', config('csre_ctrgcn_ntu60'), '--cfg-options', *options]
    status, _, err = run('publish.py', 'bare.pth', 'out.pth', *arguments)
    assert status == 0, err
    cfg = torch.load(next(tmp_path.glob('out-*.pth')), weights_only=True)['meta']['cfg']
    assert Config.fromstring(cfg, '.py').model.data_preprocessor.stream == 'b'


def test_the_config_inside_is_read_and_not_run(tmp_path, ntu_file):
    made = tmp_path / 'made'
    for text in (
        f'open({str(made)!r}, "w")',
        f'model = dict(type=open({str(made)!r}, "w"))',
        f'model = dict(**open({str(made)!r}, "w"))',
        'model = dict(',
        'import os',
    ):
        content = {'meta': {'cfg': text}, 'state_dict': {'a': torch.zeros(1)}}
        torch.save(content, tmp_path / 'evil.pth')
        with pytest.raises(InputError, match=r'evil\.pth: the config in it is not plain settings'):
            publish(tmp_path / 'evil.pth', tmp_path / 'out')
    assert not made.exists()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'model.type': 'os.system'}, "model.type of the config in it is 'os.system', expected"),
        ({'model.cls_head.loss_cls': dict(type='os.system')}, 'model.cls_head.loss_cls.type'),
        ({'model.backbone.type': 'torch.nn.Linear'}, "is 'torch.nn.Linear'"),
        ({'model.backbone.type': 'evil'}, "is 'evil'"),
        ({'model.backbone.type': 3}, 'is 3'),
        ({'model.backbone._scope_': 'evil'}, r'model.backbone._scope_ of .* is .evil'),
        ({'default_scope': 'evil'}, 'default_scope of the config in it'),
        ({'test_dataloader.dataset.pipeline.0.type': 'evil.Evil'}, r'dataset\.pipeline\.0\.type'),
        ({'custom_imports': dict(imports=['evil'])}, 'custom_imports of the config in it'),
        ({'custom_imports': dict(imports='evil.csre_mm')}, 'custom_imports of the config in it'),
        ({'custom_imports': [1]}, 'the config in it'),
        # No type, but made one while the model is built.
        ({'model.backbone.gcn_act': 'evil'}, 'cannot be built'),
        ({'model.backbone.tcn_norm': 'evil.Evil'}, 'cannot be built'),
    ],
)
def test_the_config_inside_names_registered_classes_only(
    tmp_path, ntu_file, monkeypatch, change, message
):
    (tmp_path / 'evil.py').write_text('raise SystemExit("imported")')
    monkeypatch.syspath_prepend(tmp_path)
    name = 'stgcnpp_ntu60' if 'act' in str(change) or 'norm' in str(change) else 'ctrgcn_ntu60'
    cfg = small_config(name, ntu_file, tmp_path)
    cfg.merge_from_dict(change)
    content = {'meta': {'cfg': cfg.pretty_text}, 'state_dict': {'a': torch.zeros(1)}}
    torch.save(content, tmp_path / 'a.pth')
    with pytest.raises(InputError, match=message) as caught:
        publish(tmp_path / 'a.pth', tmp_path / 'out')
    assert '\n' not in str(caught.value)


def test_weights_that_are_not_finite_are_not_published(tmp_path, ntu_file):
    save(tmp_path / 'a.pth', 'ctrgcn_ntu60', ntu_file)
    content = torch.load(tmp_path / 'a.pth', weights_only=True)
    content['state_dict']['backbone.input.bn.running_var'][3] = torch.inf
    torch.save(content, tmp_path / 'a.pth')
    with pytest.raises(InputError, match=r'running_var is not finite'):
        publish(tmp_path / 'a.pth', tmp_path / 'out')


def test_bad_input_is_one_line_and_status_2(run, tmp_path, trained):
    torch.save([1, 2], 'list.pth')
    torch.save({'state_dict': {'fc.weight': 'none'}}, 'words.pth')
    torch.save({'meta': {'cfg': 'a = 1\n'}, 'state_dict': {'b': torch.zeros(1)}}, 'no_model.pth')
    torch.save({'meta': [], 'state_dict': {'b': torch.zeros(1)}}, 'no_meta.pth')
    (tmp_path / 'text.pth').write_text('no checkpoint')
    (tmp_path / 'half.pth').write_bytes(trained.read_bytes()[:5000])
    (tmp_path / 'file').touch()
    other = ['--config', config('hcn_ntu60')]
    cases = {
        ('absent.pth', 'out'): 'no such checkpoint: absent.pth',
        ('list.pth', 'out'): 'list.pth holds no state_dict: it is no checkpoint',
        ('words.pth', 'out'): "words.pth holds no state_dict: 'fc.weight' is a str",
        ('no_model.pth', 'out'): 'the config has no model',
        ('no_meta.pth', 'out'): 'no_meta.pth holds no config',
        ('text.pth', 'out'): 'text.pth cannot be read as a checkpoint',
        ('half.pth', 'out'): 'half.pth cannot be read as a checkpoint',
        (trained, tmp_path): 'is a folder: name a file in it',
        (trained, 'file/out.pth'): 'file',
        (trained, 'out', '--config', 'nowhere.py'): 'no such config: nowhere.py',
        (trained, 'out', *other): 'is a checkpoint of another model: ',
    }
    for arguments, message in cases.items():
        status, out, err = run('publish.py', *arguments)
        assert status == 2 and not out and message in err
        assert err.startswith('publish.py: error: ') and err.count('\n') == 1
    assert re.search(r'\d+ tensors are missing \(such as [\w.]+\) and \d+ are not of it', err)
    assert not list(tmp_path.glob('out*'))


def test_options_need_a_config_to_change(run, trained):
    status, _, err = run('publish.py', trained, 'out', '--cfg-options', 'a=1')
    assert status == 2 and '--cfg-options changes the config: it needs --config' in err
