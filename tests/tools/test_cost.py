"""Parameters and multiply-adds, against the published counts and against sums by hand."""

import json
import re

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope
from torch.utils.flop_counter import FlopCounterMode

from csre_mm.apis.cost import clips_of_a_test, measure_costs
from csre_mm.apis.recognizer import example_clips
from csre_mm.models.losses import MemoryBank
from csre_mm.utils.config import read_config
from tests.commands import Command, captured
from tests.conftest import config
from tests.runs import small_config


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    return captured(Command('analysis/cost.py', tmp_path, monkeypatch), capsys)


PUBLISHED = {
    'hcn_ntu60': 2_647_868,
    'hcn_nwucla': 2_619_338,
    '2sagcn_ntu60': 3_469_510,
    'ctrgcn_ntu60': 1_446_672,
    'ctrgcn_ntu120': 1_462_092,
    'ctrgcn_nwucla': 1_426_892,
    'hyperformer_ntu60': 2_729_194,
    'blockgcn_ntu60': 1_372_780,
    'blockgcn_nwucla': 1_297_370,
}


@pytest.mark.parametrize('name', PUBLISHED)
def test_the_test_graph_has_the_published_number_of_parameters(name):
    cfg = read_config(str(config(name)))
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        dataset = loader.dataset.get('dataset', loader.dataset)
        dataset.pipeline[1].clip_len = 64  # 300 frames would take longer, with the same parameters
    costs = measure_costs(cfg).columns
    assert costs.keys() == {'baseline training', 'baseline test'}
    for cost in costs.values():
        assert sum(cost.parameters.values()) == PUBLISHED[name]


@pytest.fixture(scope='module')
def report():
    return measure_costs(read_config(str(config('csre_ctrgcn_nwucla'))), slots=1020)


def test_the_test_graph_is_that_of_the_baseline(report):
    assert report.columns['CSRE test'] == report.columns['baseline test']
    training = report.columns['CSRE training']
    assert training.macs.keys() == {'encoder', 'head', 'neck', 'contrast'}
    baseline = report.columns['baseline training']
    for part in ('encoder', 'head'):
        assert training.macs[part] == baseline.macs[part] > 0
        assert training.parameters[part] == baseline.parameters[part]
    assert report.columns['baseline test'].step_macs is None


def test_what_csre_adds_is_what_its_formulas_say(report):
    C, T, V, D, S = 256, 13, 20, 256, 1020
    r = C // 8
    training, baseline = (report.columns[f'{name} training'] for name in ('CSRE', 'baseline'))
    branches = [r * length for length in (V, T)]
    assert training.parameters['neck'] == sum(C * r + r + n * D + D for n in branches)
    neck = sum(C * n + n * D for n in branches)
    assert training.macs['neck'] == neck
    assert training.macs['contrast'] == 2 * S * D
    # Backward: of a layer's weight and of its input, so twice the forward pass; and for each bank
    # the slots of S / 40 positives and twice S / 8 negatives, added up.
    added = 3 * neck + 2 * S * D + 2 * (S // 40 + 2 * (S // 8)) * D
    assert training.step_macs == baseline.step_macs + added
    assert training.bank_bytes == 2 * S * (4 * D + 8) and baseline.bank_bytes == 0


def test_the_similarities_cost_what_the_counter_finds():
    bank = MemoryBank(feat_dim=48)
    bank.allocate(100)
    with FlopCounterMode(display=False) as counter:
        bank.similarities(torch.randn(1, 48))
    assert counter.get_total_flops() == 2 * 100 * 48


def test_convolutions_are_counted_as_by_hand():
    """HCN has convolutions only: outputs times the inputs of each."""
    init_default_scope('mmaction')
    cfg = read_config(str(config('hcn_nwucla')))
    model = MODELS.build(cfg.model).eval()
    found = []
    for conv in model.backbone.children():
        conv.register_forward_hook(
            lambda conv, x, y: found.append(y.numel() * conv.weight[0].numel())
        )
    with torch.no_grad():
        model.backbone(example_clips(model, cfg, 1))
    macs = measure_costs(cfg).columns['baseline test'].macs
    assert len(found) == 6 and macs['encoder'] == sum(found)
    assert macs['head'] == 256 * 4 * 4 * 512 + 512 * 10


def test_heatmaps_differ_between_training_and_testing(tmp_path, ntu_file):
    frames = {'test_dataloader.dataset.pipeline.1.clip_len': 48}
    report = measure_costs(small_config('csre_posec3d_ntu60', ntu_file, tmp_path, **frames))
    training, test = (report.columns[f'CSRE {name}'] for name in ('training', 'test'))
    assert training.shape == (1, 25, 48, 56, 56) and test.shape == (1, 25, 48, 64, 64)
    assert training.macs['encoder'] < test.macs['encoder']
    assert (report.slots, report.slots_from, report.clips) == (24, ntu_file.as_posix(), 4)


def test_clips_of_a_test():
    cases = (('ctrgcn_ntu60', 1), ('stgcn_ntu60', 10), ('posec3d_ntu60', 20))
    for name, clips in cases:
        assert clips_of_a_test(read_config(str(config(name)))) == clips


def test_half_precision_halves_the_features_of_the_banks(tmp_path, ntu_file):
    cfg = small_config('csre_ctrgcn_ntu60', ntu_file, tmp_path)
    cfg.merge_from_dict({'model.neck.loss': dict(bank_dtype='float16')})
    assert measure_costs(cfg, 10).columns['CSRE training'].bank_bytes == 20 * 520


def write(cfg, path):
    cfg.dump(str(path))
    return path


def test_the_command_prints_the_columns_side_by_side(run, tmp_path, ntu_file):
    path = write(small_config('csre_ctrgcn_ntu60', ntu_file, tmp_path), tmp_path / 'small.py')
    status, out, err = run(path, '--json', 'cost.json')
    assert status == 0, err
    rows = {row[0]: row[1:] for row in (re.split(r' {2,}', line) for line in out.splitlines())}
    report = json.loads((tmp_path / 'cost.json').read_text())
    assert list(report['columns']) == [
        'CSRE training',
        'CSRE test',
        'baseline training',
        'baseline test',
    ]
    for number, cost in enumerate(report['columns'].values()):
        assert rows['parameters'][number] == f'{sum(cost["parameters"].values()):,}'
        million = f'{sum(cost["macs"].values()) / 1e6:,.2f}'
        assert rows['forward, million MACs'][number] == million
    assert report['slots'] == 24 and f'Banks of 24 slots each ({ntu_file})' in out
    assert 'A clip is (2, 64, 25, 3) in training' in out


def test_without_the_annotations_the_contrast_is_not_counted(run, tmp_path, ntu_file):
    cfg = small_config('csre_ctrgcn_ntu60', 'nowhere.pkl', tmp_path)
    path = write(cfg, tmp_path / 'small.py')
    status, out, _ = run(path)
    assert status == 0 and '  contrast' not in out
    assert 'no annotation file nowhere.pkl; give --slots' in out
    status, out, _ = run(path, '--slots', '1000')
    assert status == 0 and '  contrast' in out and 'Banks of 1,000 slots each (--slots)' in out
    out = run(path, '--cfg-options', 'model.neck._delete_=True', 'model.type=RecognizerGCN')[1]
    assert 'memory banks' not in out


def test_bad_input_is_one_line_and_status_2(run, tmp_path, ntu_file):
    path = write(small_config('csre_ctrgcn_ntu60', ntu_file, tmp_path), tmp_path / 'small.py')
    (tmp_path / 'no_model.py').write_text('a = 1\n')
    cfg = small_config('csre_ctrgcn_ntu60', ntu_file, tmp_path)
    cfg.pop('train_dataloader')
    write(cfg, tmp_path / 'published.py')
    bad = tmp_path / 'bad.pkl'
    bad.write_bytes(b'no pickle')
    cases = [
        (['nowhere.py'], 'no such config: nowhere.py'),
        (['no_model.py'], 'the config has no model'),
        (['published.py'], 'the config has no train_dataloader.dataset'),
        ([path, '--json', 'cost.txt'], 'the name must end in .json'),
        ([path, '--cfg-options', 'model.backbone.type=CTR'], 'CTR is not in the'),
        ([path, '--cfg-options', 'train_dataloader.dataset.split=a'], "no split 'a'"),
        ([path, '--cfg-options', f'train_dataloader.dataset.ann_file={bad}'], 'bad.pkl'),
    ]
    for arguments, message in cases:
        status, _, err = run(*arguments)
        assert status == 2 and message in err, (arguments, err)
        assert err.startswith('cost.py: error: ') and err.count('\n') == 1
    status, _, err = run(path, '--slots', '0')
    assert status == 2 and '--slots is 0' in err
