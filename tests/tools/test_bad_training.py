"""What is wrong with a training is one line, before any time is spent."""

import pickle

import numpy as np
import pytest

from tests.commands import run_tool
from tests.conftest import config, make_annotations, options_of


def bad(path, edit):
    with open(path, 'rb') as file:
        data = pickle.load(file)
    edit(data)
    with open(path, 'wb') as file:
        pickle.dump(data, file)


def nan_in_a_skeleton(data):
    data['annotations'][4]['keypoint'][0, 3, 2, 1] = np.nan


BAD_TRAINING = {
    'no such config': (['nowhere.py'], [], 'no such config: nowhere.py'),
    'no checkpoint': ([None, '--resume', 'a.pth'], [], 'no such checkpoint: a.pth'),
    'no annotations': ([None], ['train_dataloader.dataset.ann_file=a.pkl'], 'a.pkl'),
    'no split': ([None], ['train_dataloader.dataset.split=a'], "no split 'a'; it has xsub_train"),
    'joints': ([None], ['model.data_preprocessor.layout=nw-ucla'], 'the skeletons have 20 joints'),
    'graph': ([None], ['model.backbone.graph_cfg.layout=nw-ucla'], 'stands for 20'),
    'persons': ([None], ['model.backbone.num_person=1'], 'have 2 persons'),
    'channels': ([None], ['model.backbone.in_channels=2'], 'the pipeline gives 3 channels'),
    'classes': ([None], ['model.cls_head.num_classes=2'], 'num_classes=3'),
    'frames': (
        [None],
        ['model.neck.num_frames=13'],
        'num_frames is 13, the encoder gives',
    ),
    'map joints': ([None], ['model.neck.num_joints=20'], 'num_joints=25'),
    'stream': ([None], ['model.data_preprocessor.stream=z'], "stream is 'z'"),
    'argument': ([None], ['model.neck.temprature=1'], "unexpected keyword argument 'temprature'"),
    'type': ([None], ['model.backbone.type=CTR'], 'CTR is not in the mmaction::model registry'),
}


@pytest.mark.parametrize('case', BAD_TRAINING)
def test_bad_input_of_training_is_one_line(monkeypatch, capsys, tmp_path, ntu_file, case):
    arguments, options, message = BAD_TRAINING[case]
    arguments = [config('csre_ctrgcn_ntu60') if a is None else a for a in arguments]
    monkeypatch.chdir(tmp_path)
    options = [*options_of(ntu_file, csre=True, experiment_name=case.replace(' ', '')), *options]
    status = run_tool('train.py', *arguments, '--cfg-options', *options)
    assert status == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith('train.py: error: ') and message in error
    assert not list(tmp_path.rglob('*.pth'))


@pytest.mark.parametrize('workers', [0, 1])
def test_a_nan_is_named_by_its_sample_also_from_a_worker(capsys, tmp_path, ntu_file, workers):
    path = make_annotations(tmp_path / 'a.pkl')
    bad(path, nan_in_a_skeleton)
    options = options_of(
        path,
        csre=True,
        experiment_name=f'nan{workers}',
        **{'train_dataloader.num_workers': workers},
    )
    arguments = [config('csre_ctrgcn_ntu60'), '--work-dir', tmp_path]
    status = run_tool('train.py', *arguments, '--cfg-options', *options)
    assert status == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    expected = f"train.py: error: {path}: sample 'xsub_train_004': keypoint is nan at "
    assert error.startswith(expected)
