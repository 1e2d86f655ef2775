"""What a resumed training takes from its config, and what from its checkpoint."""

import pytest
import torch
from mmengine.runner import EpochBasedTrainLoop

from csre_mm.apis import build_runner
from csre_mm.utils.checkpoints import load_checkpoint_file
from csre_mm.utils.errors import InputError
from tests.runs import small_config

STEPS = [dict(type='MultiStepLR', milestones=[2, 3], gamma=0.1, by_epoch=True)]
WARM = [dict(type='LinearLR', start_factor=0.2, begin=0, end=0.5, convert_to_iter_based=True)]
COSINE = [dict(type='CosineAnnealingLR', eta_min=0, T_max=6, convert_to_iter_based=True)]
EXPONENTIAL = [dict(type='ExponentialLR', gamma=0.5)]


def make(ann_file, folder, schedules, name='ctrgcn_ntu60', **options):
    options = {'train_dataloader.dataset.indices': 16, 'train_cfg.max_epochs': 1, **options}
    cfg = small_config(name, ann_file, folder, **options)
    cfg.param_scheduler = schedules
    return build_runner(cfg)


@pytest.fixture(scope='module')
def trained(tmp_path_factory, ntu_file):
    """Folders of a baseline and a CSRE run of one epoch of two iterations."""
    folders = {}
    for name in ('ctrgcn_ntu60', 'csre_ctrgcn_ntu60'):
        folders[name] = tmp_path_factory.mktemp(name)
        make(ntu_file, folders[name], STEPS, name).train()
    return folders


@pytest.fixture
def stopped(monkeypatch):
    """No training: what is loaded stays as it is."""
    monkeypatch.setattr(EpochBasedTrainLoop, 'run', lambda loop: loop.runner.model)


def rates_of(runner, epochs):
    """The learning rate at the start of epochs that nothing is trained in."""
    found = []
    for _ in range(epochs):
        found.append(runner.optim_wrapper.get_lr()['lr'][0])
        for _ in range(len(runner.train_dataloader)):
            [schedule.step() for schedule in runner.param_schedulers if not schedule.by_epoch]
        [schedule.step() for schedule in runner.param_schedulers if schedule.by_epoch]
    return found


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize(
    'schedules, options',
    [
        (STEPS, {}),  # their end is the last epoch, which was the first
        ([dict(STEPS[0], milestones=[1, 4])], {}),
        (STEPS, {'optim_wrapper.optimizer.lr': 0.3}),
        (WARM + STEPS, {}),
        (COSINE, {'train_dataloader.batch_size': 4}),
        (COSINE, {'train_dataloader.batch_size': 16}),
        (EXPONENTIAL, {'optim_wrapper.optimizer.lr': 0.3}),
    ],
)
def test_schedules_are_those_of_the_config_at_the_epoch_reached(
    tmp_path, ntu_file, trained, stopped, schedules, options
):
    options = {'train_cfg.max_epochs': 6, **options}
    uninterrupted = make(ntu_file, tmp_path, schedules, **options)
    uninterrupted.train()
    expected = rates_of(uninterrupted, 6)
    options['load_from'] = str(trained['ctrgcn_ntu60'] / 'epoch_1.pth')
    resumed = make(ntu_file, tmp_path, schedules, resume=True, **options)
    resumed.train()
    assert resumed.epoch == 1 and resumed.iter == len(resumed.train_dataloader)
    assert len(set(expected)) > 1 and rates_of(resumed, 5) == expected[1:]


def test_settings_of_the_optimizer_change_and_its_state_stays(tmp_path, ntu_file, trained, stopped):
    path = trained['ctrgcn_ntu60'] / 'epoch_1.pth'
    options = {'optim_wrapper.optimizer.momentum': 0.5, 'optim_wrapper.optimizer.lr': 0.3}
    runner = make(ntu_file, tmp_path, STEPS, resume=True, load_from=str(path), **options)
    runner.train()
    (group,) = runner.optim_wrapper.param_groups
    assert group['momentum'] == 0.5 and group['weight_decay'] > 0
    saved = load_checkpoint_file(str(path))['optimizer']['state']
    state = runner.optim_wrapper.optimizer.state_dict()['state']
    assert state.keys() == saved.keys() and saved
    assert all(torch.equal(state[k]['momentum_buffer'], saved[k]['momentum_buffer']) for k in saved)
    log = next(tmp_path.glob('*/*.log')).read_text()
    assert f'Resumed at epoch 1 of 1 of {path}.' in log
    assert 'learning rate now 0.3, in the checkpoint 0.1' in log and 'and seed 0.' in log


def test_a_schedule_that_follows_the_validation_goes_on(tmp_path, ntu_file, stopped, monkeypatch):
    plateau = [dict(type='ReduceOnPlateauLR', monitor='acc/top1', rule='greater', end=9)]
    monkeypatch.undo()
    make(ntu_file, tmp_path, plateau).train()
    monkeypatch.setattr(EpochBasedTrainLoop, 'run', lambda loop: loop.runner.model)
    options = {'resume': True, 'optim_wrapper.optimizer.lr': 0.3}
    runner = make(ntu_file, tmp_path, plateau, **options)
    runner.train()
    assert runner.optim_wrapper.get_lr()['lr'] == [0.1]
    assert runner.param_schedulers[0].best > 0
    logs = sorted(tmp_path.glob('*/*.log'))
    assert 'A schedule follows the validation' in logs[-1].read_text()


REFUSED = {
    'csre': ('csre_ctrgcn_ntu60', {}, 'was trained with CSRE, the config has none'),
    'classes': (
        'ctrgcn_ntu60',
        {'model.cls_head.num_classes': 3},
        'num_classes was 60 in training, the config has 3: set it to 60',
    ),
    'stream': (
        'ctrgcn_ntu60',
        {'model.data_preprocessor.stream': 'bm'},
        'stream was j in training, the config has bm: set it to j',
    ),
    'window': (
        'ctrgcn_ntu60',
        {'test_dataloader.dataset.pipeline.1.clip_len': 32},
        'clip_len of the pipeline was 64 in training, the config has 32',
    ),
    'width': (
        'ctrgcn_ntu60',
        {'model.backbone.base_channels': 16, 'model.cls_head.in_channels': 64},
        r'is a checkpoint of another model: backbone\S+ is \(.+\), the model has \(',
    ),
    'optimizer': (
        'ctrgcn_ntu60',
        {'optim_wrapper.optimizer': dict(type='Adam', lr=0.1)},
        r'holds the state of another optimizer \(with dampening, momentum, nesterov\)',
    ),
}


@pytest.mark.parametrize('case', REFUSED)
def test_a_checkpoint_of_something_else_is_not_resumed(tmp_path, ntu_file, trained, case):
    name, options, message = REFUSED[case]
    path = trained[name] / 'epoch_1.pth'
    cfg = small_config('ctrgcn_ntu60', ntu_file, tmp_path, resume=True, load_from=str(path))
    cfg.merge_from_dict(options)
    if 'optim_wrapper.optimizer' in options:
        cfg.optim_wrapper.optimizer = options['optim_wrapper.optimizer']
    with pytest.raises(InputError, match=message):
        build_runner(cfg).train()


@pytest.mark.parametrize(
    ('part', 'value', 'message'),
    [
        ('meta', ['epoch', 'iter'], 'it lacks epoch'),
        ('meta', {'epoch': '1', 'iter': 3}, "epoch is '1'"),
        ('meta', {'epoch': 1, 'iter': -3}, 'iter is -3'),
        ('message_hub', [], 'its history is damaged'),
    ],
)
def test_a_damaged_checkpoint_is_not_resumed(
    tmp_path, ntu_file, trained, stopped, part, value, message
):
    content = load_checkpoint_file(trained['ctrgcn_ntu60'] / 'epoch_1.pth')
    torch.save({**content, part: value}, tmp_path / 'epoch_1.pth')
    options = dict(resume=True, load_from=str(tmp_path / 'epoch_1.pth'))
    cfg = small_config('ctrgcn_ntu60', ntu_file, tmp_path, **options)
    with pytest.raises(InputError, match=message):
        build_runner(cfg).train()


def test_a_checkpoint_of_the_baseline_is_not_resumed_with_csre(tmp_path, ntu_file, trained):
    path = str(trained['ctrgcn_ntu60'] / 'epoch_1.pth')
    runner = make(ntu_file, tmp_path, STEPS, 'csre_ctrgcn_ntu60', resume=True, load_from=path)
    with pytest.raises(InputError, match='cannot be resumed with CSRE: it lacks neck'):
        runner.train()


def test_the_config_in_a_checkpoint_is_not_run(tmp_path, ntu_file, trained, stopped):
    content = load_checkpoint_file(str(trained['ctrgcn_ntu60'] / 'epoch_1.pth'))
    made = tmp_path / 'made'
    content['meta']['config'] = content['meta']['cfg'] = f'open({str(made)!r}, "w")'
    torch.save(content, tmp_path / 'evil.pth')
    options = {'resume': True, 'load_from': str(tmp_path / 'evil.pth')}
    make(ntu_file, tmp_path, STEPS, **options).train()
    assert not made.exists()


def save_state(path, source, change):
    torch.save(change(load_checkpoint_file(str(source))['state_dict']), path)
    return str(path)


WEIGHTS = {
    'bare': lambda state: state,
    'DataParallel': lambda state: {f'module.{key}': value for key, value in state.items()},
    'inside': lambda state: {'state_dict': {f'module.{k}': v for k, v in state.items()}},
}


@pytest.mark.parametrize('kind', WEIGHTS)
def test_a_run_from_weights_gets_them_and_no_banks(tmp_path, ntu_file, trained, stopped, kind):
    source = trained['csre_ctrgcn_ntu60'] / 'epoch_1.pth'
    path = save_state(tmp_path / 'weights.pth', source, WEIGHTS[kind])
    runner = make(ntu_file, tmp_path, STEPS, 'csre_ctrgcn_ntu60', load_from=path)
    runner.train()
    saved, state = load_checkpoint_file(str(source))['state_dict'], runner.model.state_dict()
    same = [key for key in saved if torch.equal(state[key], saved[key])]
    assert {key for key in saved if '.bank.' not in key and 'extra_state' not in key} <= set(same)
    assert (runner.model.neck.loss_spatial.bank.labels == -1).all()


def renamed(state):
    return {key.replace('backbone.', 'net.'): value for key, value in state.items()}


def test_weights_that_do_not_fit_are_refused(tmp_path, ntu_file, trained, stopped):
    path = save_state(tmp_path / 'w.pth', trained['ctrgcn_ntu60'] / 'epoch_1.pth', renamed)
    message = r'0 of the \d+ tensors of the encoder fit \(net\S+ in the file, backbone\S+ in'
    with pytest.raises(InputError, match=f'{message}.*tools/convert_weights.py'):
        make(ntu_file, tmp_path, STEPS, load_from=path).train()
    path = str(trained['ctrgcn_ntu60'] / 'epoch_1.pth')
    options = {'model.backbone.num_stages': 10, 'load_from': path}
    with pytest.raises(InputError, match='tensors of the encoder fit'):
        make(ntu_file, tmp_path, STEPS, '2sagcn_ntu60', **options).train()
    options = {'model.data_preprocessor.stream': 'b', 'load_from': path}
    with pytest.raises(InputError, match='stream was j in training, the config has b'):
        make(ntu_file, tmp_path, STEPS, **options).train()
    options = {'model.cls_head.num_classes': 3, 'load_from': path}  # to other classes
    make(ntu_file, tmp_path, STEPS, **options).train()


def test_a_truncated_checkpoint_names_the_one_before_it(tmp_path, ntu_file, trained):
    content = (trained['ctrgcn_ntu60'] / 'epoch_1.pth').read_bytes()
    for number, length in ((3, len(content)), (9, len(content)), (12, 5000)):
        (tmp_path / f'epoch_{number}.pth').write_bytes(content[:length])
    options = {'resume': True, 'load_from': str(tmp_path / 'epoch_12.pth')}
    with pytest.raises(InputError, match=r'epoch_12\.pth cannot be read .*it is \S+epoch_9\.pth'):
        make(ntu_file, tmp_path, STEPS, **options).train()
