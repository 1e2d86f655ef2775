from pathlib import Path

import pytest
from mmengine.config import Config, DictAction

from csre_mm.apis import merge_options, read_config
from csre_mm.datasets.annotations import load_annotations, save_annotations
from csre_mm.experiments.plan import Variant, compress_schedule, plan_runs
from csre_mm.experiments.record import train_command
from csre_mm.utils.errors import InputError
from tests.conftest import config
from tests.experiments.plans import VARIANTS, request_of


def test_runs_that_are_compared_are_neighbours(tmp_path):
    runs = plan_runs(**request_of(tmp_path, seeds=[3, 5], streams=['j', 'b']))
    experiments = [
        (run.experiment.seed, run.experiment.stream, run.experiment.variant) for run in runs
    ]
    variants = ('baseline', 'csre')
    assert experiments == [
        (s, stream, variant) for s in (3, 5) for stream in ('j', 'b') for variant in variants
    ]
    assert runs[-1].folder == tmp_path / 'hcn_nwucla/csre/b/seed5'
    assert runs[0].config.name == 'hcn_nwucla.py'
    assert runs[1].config.name == 'csre_hcn_nwucla.py'


def test_options_reach_the_config(tmp_path):
    light = Variant('light', {'model.neck.loss.loss_weight': 0.1})
    runs = plan_runs(
        **request_of(
            tmp_path, variants=[*VARIANTS, light], streams=['b'], epochs=40, options={'resume': 1}
        )
    )
    arguments = train_command(runs[2], amp=True)
    assert {'--amp', '--resume', '--seed'} < set(arguments)
    options = arguments[arguments.index('--cfg-options') + 1 :]
    parsed = dict(option.split('=', 1) for option in options)
    values = {key: DictAction._parse_iterable(value) for key, value in parsed.items()}
    cfg = merge_options(read_config(arguments[1]), values)
    assert cfg.model.data_preprocessor.stream == 'b'
    assert cfg.model.neck.loss.loss_weight == 0.1
    assert cfg.train_cfg.max_epochs == 40
    assert cfg.param_scheduler[0].gamma == pytest.approx(0.99**10, abs=1e-6)
    assert cfg.resume == 1
    assert 'neck' not in plan_runs(**request_of(tmp_path))[0].options


@pytest.fixture
def named_by_subject(ucla_file, tmp_path, monkeypatch):
    data = load_annotations(ucla_file)
    names = {s['frame_dir']: i for i, s in enumerate(data['annotations'])}
    new = {name: f'a01_s{i % 4 + 1:02d}_e{i:02d}_v01' for name, i in names.items()}
    for sample in data['annotations']:
        sample['frame_dir'] = new[sample['frame_dir']]
    data['split'] = {key: [new[name] for name in value] for key, value in data['split'].items()}
    (tmp_path / 'data/skeleton').mkdir(parents=True)
    save_annotations(data, tmp_path / 'data/skeleton/nw_ucla.pkl')
    monkeypatch.chdir(tmp_path)


def test_folds_hold_subjects_of_the_training_set_out(named_by_subject):
    runs = plan_runs(**request_of('runs', num_folds=2))
    assert [run.folder.name for run in runs] == ['fold1', 'fold2', 'fold1', 'fold2']
    for run, train, held_out in zip(runs[:2], ([3, 4], [1, 2]), ([1, 2], [3, 4]), strict=True):
        assert run.options['train_dataloader.dataset.dataset.subjects'] == train
        for loader in ('val_dataloader', 'test_dataloader'):
            assert run.options[f'{loader}.dataset.split'] == 'train'
            assert run.options[f'{loader}.dataset.subjects'] == held_out


def test_folds_of_a_config_that_names_its_splits_under_data(named_by_subject):
    Path('mine.py').write_text(
        f"_base_ = '{config('hcn_own')}'\ndata = dict(ann_file='data/skeleton/nw_ucla.pkl', "
        "layout='nw-ucla', test_split='val')\n"
    )
    for run in plan_runs([Path('mine.py')], [Variant('baseline', {})], num_folds=2):
        cfg = merge_options(read_config(str(run.config)), run.options)
        assert cfg.val_dataloader.dataset.split == cfg.test_dataloader.dataset.split == 'train'


@pytest.mark.parametrize(
    'configs, message',
    [
        (['csre_hcn_nwucla'], 'csre_hcn_nwucla: give the config of the baseline'),
        (['hcn_nwucla', 'hcn_nwucla'], 'hcn_nwucla is given twice'),
        (['nothing'], 'no such config'),
    ],
)
def test_configs_are_checked(configs, message, tmp_path):
    with pytest.raises(InputError, match=message):
        plan_runs(**request_of(tmp_path, configs=[config(name) for name in configs]))


def test_an_own_baseline_is_not_paired_with_a_shipped_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'hcn_nwucla.py').write_text(f"_base_ = '{config('hcn_nwucla')}'\n")
    with pytest.raises(InputError, match=r'no such config: csre_hcn_nwucla\.py'):
        plan_runs(**request_of(tmp_path, configs=[Path('hcn_nwucla.py')]))


def test_shipped_configs_are_planned_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = plan_runs(**request_of('runs', configs=[Path('hcn_nwucla')]))
    assert [run.config for run in runs] == [config('hcn_nwucla'), config('csre_hcn_nwucla')]
    assert {run.experiment.config for run in runs} == {'hcn_nwucla'}


def test_an_encoder_without_streams_gets_none(tmp_path):
    runs = plan_runs(**request_of(tmp_path, configs=[config('posec3d_ntu60')]))
    assert not any('stream' in key for run in runs for key in run.options)
    with pytest.raises(InputError, match='posec3d_ntu60 has no streams'):
        plan_runs(**request_of(tmp_path, configs=[config('posec3d_ntu60')], streams=['b']))
    with pytest.raises(InputError, match=r'stream is set for each run by --streams'):
        plan_runs(**request_of(tmp_path, options={'model.data_preprocessor.stream': 'b'}))


def test_schedules_of_every_form_are_compressed():
    cfg = Config(dict(train_cfg=dict(max_epochs=10)))
    assert compress_schedule(cfg, 5) == {'train_cfg.max_epochs': 5}
    cfg.param_scheduler = dict(type='MultiStepLR', milestones=[4, 8])
    assert compress_schedule(cfg, 5)['param_scheduler.milestones'] == [2, 4]
    with pytest.raises(InputError, match=r'--epochs needs a config with train_cfg\.max_epochs'):
        compress_schedule(Config(dict(train_cfg=dict(max_iters=10))), 5)
