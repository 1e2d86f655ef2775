"""Configs that cannot work: one line that says why, and status 2, before any time is spent."""

import pickle
import uuid

import numpy as np
import pytest

from tests.commands import captured, run_tool
from tests.conftest import config, make_annotations, options_of

TEXTS = {
    'syntax': ('model = dict(', 'was never closed'),
    'name': ('model = dict(type=RecognizerGCN)', 'RecognizerGCN'),
    'value': ("epochs = int('many')", 'invalid literal for int'),
    'division': ('epochs = 1 / 0', 'division by zero'),
    'import': ("custom_imports = dict(imports=['no_such_package'])", 'no_such_package'),
    'base': ("_base_ = 'nowhere.py'", 'nowhere.py'),
    'bases': ("_base_ = ['{ntu}', '{ntu}']", 'Duplicate key'),
    'base_type': ('_base_ = 3', 'config'),
    'latin': (b'name = "\xe9"', 'utf-8'),
    'nothing': ('', 'model'),
    'neck_text': ("_base_ = '{ntu}'\nmodel = dict(neck='CSRENeck')", "neck is 'CSRENeck'"),
    'hooks': ("_base_ = '{ntu}'\ncustom_hooks = ['EMAHook']", "custom_hooks is ['EMAHook']"),
    'model_list': ("_base_ = '{ntu}'\nmodel = [1]", 'model is [1], expected a dictionary'),
}

OPTIONS = {
    'neck_type': (['model.neck.type=CSRENek', 'model.type=RecognizerGCN'], 'CSRENek'),
    'scheduler_type': (['param_scheduler="[dict(type=\'Cosine\')]"'], 'Cosine is not in'),
    'scheduler_argument': (['param_scheduler.0.milestone=3'], 'milestone'),
    'scheduler_value': (['param_scheduler.0.end=-1'], 'end'),
    'optimizer_type': (['optim_wrapper.optimizer.type=SDG'], 'optim_wrapper: TypeError'),
    'optimizer_value': (
        ['optim_wrapper.optimizer.lr=-1'],
        'Adam: ValueError: Invalid learning rate',
    ),
    'optimizer_text': (['optim_wrapper.optimizer.lr=high'], 'Adam: TypeError'),
    'metric_type': (['val_evaluator.type=Acc'], 'Acc is not in'),
    'metric_value': (['val_evaluator.metric_list=[top1]'], 'metric_list must be'),
    'loop_type': (['train_cfg.type=Loop'], 'Loop is not in'),
    'loop_value': (['train_cfg.max_epochs=None'], 'train_cfg.max_epochs is None'),
    'loader': (['train_dataloader.batchsize=4'], 'batchsize'),
    'loader_value': (['train_dataloader.batch_size=0'], 'batch_size'),
    'sampler': (['train_dataloader.sampler.type=Sampler'], 'Sampler is not in'),
    'dataset': (['val_dataloader.dataset.type=Set'], 'Set is not in'),
    'ann_file': (['val_dataloader.dataset.ann_file=none.pkl'], 'none.pkl'),
    'split': (['val_dataloader.dataset.split=vall'], 'vall'),
    'transform': (['train_dataloader.dataset.pipeline.1.type=Crop'], 'Crop is not in'),
    'optimizer_none': (['optim_wrapper=None'], 'optim_wrapper'),
    'hook': (['default_hooks.logger.intervall=3'], 'intervall'),
    'class_weight': (
        ['model.cls_head.loss_cls=dict(type="CrossEntropyLoss", class_weight=[1.0, 2.0])'],
        'the first training batch fails: RuntimeError: weight',
    ),
    'channels': (['model.cls_head.in_channels=33'], 'model.cls_head.in_channels is 33'),
    'save_best': (['default_hooks.checkpoint.save_best=top9'], 'acc/top1'),
    'unknown_key': (['optimiser.lr=3'], 'the config has no optimiser'),
    'class_names': (['data.class_names=[a,b]'], 'the list of class names has 2 names'),
    'no_epoch': (['train_cfg.max_epochs=0'], 'train_cfg.max_epochs is 0, it must be an integer'),
    'no_interval': (['train_cfg.val_interval=0'], 'train_cfg.val_interval is 0, it must be an'),
    'no_batch': (
        ['train_dataloader.batch_size=64', 'train_dataloader.drop_last=True'],
        'train_dataloader gives no batch: it has 24 samples, batch_size=64',
    ),
}


@pytest.fixture
def run(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return captured(run_tool, capfd)


def small(ann_file, encoder, csre):
    """Options for the small data; mmengine keeps a logger, and its stream, per experiment."""
    name = uuid.uuid4().hex
    return options_of(ann_file, csre=csre, encoder=encoder, experiment_name=name)


def assert_refused(result, message):
    status, _, errors = result
    line = errors.strip().splitlines()[-1]
    assert status == 2, errors[-2000:]
    assert message in line and ': error: ' in line
    assert 'Traceback' not in errors


@pytest.mark.parametrize('text', TEXTS)
@pytest.mark.parametrize('script', ['train.py', 'test.py'])
def test_a_config_that_cannot_be_read(run, tmp_path, script, text):
    content, message = TEXTS[text]
    if isinstance(content, str):
        content = content.replace('{ntu}', str(config('ctrgcn_ntu60'))).encode()
    (tmp_path / 'own.py').write_bytes(content)
    (tmp_path / 'weights.pth').touch()
    arguments = ['own.py'] if script == 'train.py' else ['own.py', 'weights.pth']
    assert_refused(run(script, *arguments), message)


@pytest.mark.parametrize('case', OPTIONS)
def test_settings_that_cannot_work(run, ntu_file, case):
    options, message = OPTIONS[case]
    start = small(ntu_file, 'hcn', csre=True)
    arguments = [config('csre_hcn_ntu60'), '--cfg-options', *start, *options]
    assert_refused(run('train.py', *arguments), message)


@pytest.mark.parametrize(
    ('labels', 'message'),
    [
        ((0, 60), 'labels 0 to 60, the classifier has 60 classes'),
        ((1, 60), 'labels 1 to 60 of 60 classes: labels start at 0, subtract 1'),
    ],
)
@pytest.mark.parametrize('joined', [False, True])
def test_labels_of_the_validation_split(run, tmp_path, ntu_file, labels, message, joined):
    data = pickle.loads(make_annotations(tmp_path / 'own.pkl').read_bytes())
    for sample, label in zip(data['annotations'], np.resize(labels, 48), strict=True):
        sample['label'] = int(label)
    (tmp_path / 'own.pkl').write_bytes(pickle.dumps(data, protocol=4))
    where, own = config('hcn_ntu60'), 'val_dataloader.dataset.ann_file'
    options = dict(option.split('=') for option in small(ntu_file, 'hcn', csre=False))
    if joined:
        one = '{{_base_.val_dataloader.dataset}}'
        where = tmp_path / 'joined.py'
        where.write_text(
            f"_base_ = '{config('hcn_ntu60')}'\nval_dataloader = dict(dataset=dict("
            f"_delete_=True, type='ConcatDataset', datasets=[{one}, {one}]))\n"
        )
        options['val_dataloader.dataset.datasets.0.ann_file'] = options.pop(own)
        own = 'val_dataloader.dataset.datasets.1.ann_file'
    pairs = [f'{key}={value}' for key, value in {**options, own: 'own.pkl'}.items()]
    assert_refused(run('train.py', where, '--cfg-options', *pairs), message)


def test_a_classifier_for_another_encoder(run, ntu_file):
    """Of the baseline, whose encoder is not run before the training."""
    options = [*small(ntu_file, 'ctrgcn', csre=False), 'model.cls_head.in_channels=128']
    result = run('train.py', config('ctrgcn_ntu60'), '--cfg-options', *options)
    message = '(8, 2, 32, 16, 25), model.cls_head.in_channels is 128: set it to 32'
    assert_refused(result, message)


def test_a_graph_in_the_form_of_mmaction2(run, ntu_file, tmp_path):
    layout = dict(num_node=25, inward=[(i, i - 1) for i in range(1, 25)] + [(24, 0)], center=0)
    own = tmp_path / 'own.py'
    own.write_text(
        f"_base_ = '{config('stgcn_ntu60')}'\n"
        f'model = dict(backbone=dict(graph_cfg=dict(_delete_=True, layout={layout!r})))\n'
    )
    result = run('train.py', own, '--cfg-options', *small(ntu_file, 'stgcn', csre=False))
    assert_refused(result, "layout 'custom': edge (")


@pytest.mark.parametrize('multi_class', [True, False])
def test_several_labels_with_csre(run, tmp_path, multi_class):
    """Which mmaction2's data set allows."""
    data = pickle.loads(make_annotations(tmp_path / 'own.pkl').read_bytes())
    for sample in data['annotations']:
        sample['label'] = [sample['label'], 5]
    (tmp_path / 'own.pkl').write_bytes(pickle.dumps(data, protocol=4))
    options = small(tmp_path / 'own.pkl', 'hcn', csre=True)
    for loader in ('train', 'val'):
        where = f'{loader}_dataloader.dataset'
        options += [f'{where}.type=PoseDataset']
        options += [f'{where}.multi_class=True', f'{where}.num_classes=60'] if multi_class else []
    result = run('train.py', config('csre_hcn_ntu60'), '--cfg-options', *options)
    assert_refused(result, 'own.pkl: there are several labels a clip')


@pytest.mark.parametrize('option', ['model.neck', '=3', 'a.b=[1', 'a.b=dict(1)', 'a.b={x:1}'])
def test_options_that_cannot_be_read(run, option):
    status, _, errors = run('train.py', config('hcn_ntu60'), '--cfg-options', option)
    assert status == 2 and f'--cfg-options {option}: ' in errors.splitlines()[-1]
