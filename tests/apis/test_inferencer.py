import copy

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.dataset import pseudo_collate

from csre_mm.apis import SkeletonInferencer
from csre_mm.apis.recordings import Recording, find_recordings
from csre_mm.evaluation import load_scores
from csre_mm.utils.errors import InputError
from tests.commands import run_tool
from tests.conftest import encoder_of
from tests.inference import make_checkpoint, write_config

ENCODERS = [
    'csre_hcn_ntu60',
    '2sagcn_ntu60',
    'csre_ctrgcn_ntu60',
    'hyperformer_ntu60',
    'csre_blockgcn_ntu60',
    'stgcn_ntu60',
    'csre_stgcnpp_ntu60',
    'aagcn_ntu60',
    'csre_posec3d_ntu60',
    'ctrgcn_nwucla',
    'csre_hcn_nwucla',
    'ctrgcn_demo',
]


@pytest.fixture
def file_of(ntu_file, ucla_file):
    return lambda name: ucla_file if name.endswith('nwucla') else ntu_file


def test_a_published_config_has_no_training_data(small):
    cfg, checkpoint = copy.deepcopy(small)
    cfg.pop('train_dataloader')
    shape = SkeletonInferencer(cfg, checkpoint).shape
    assert (shape.num_joints, shape.coordinates, shape.persons) == (25, 3, 2)


@pytest.mark.parametrize('name', ENCODERS)
def test_scores_are_those_of_the_test_loop(tmp_path, file_of, name):
    extra = {}
    if encoder_of(name) != 'hcn':  # whose classifier has a window
        extra['test_dataloader.dataset.pipeline.1.clip_len'] = 16
    cfg, checkpoint = make_checkpoint(name, file_of(name), tmp_path, **extra)
    inferencer = SkeletonInferencer(cfg, checkpoint, batch_size=2)
    recordings = find_recordings(file_of(name), cfg.test_dataloader.dataset.split)[:3]
    found = inferencer(recordings)
    dataset = DATASETS.build(copy.deepcopy(cfg.test_dataloader.dataset))
    expected = []
    with torch.no_grad():
        for places in ((0, 1), (2,)):
            batch = pseudo_collate([dataset[place] for place in places])
            expected += inferencer.model.test_step(batch)
    for prediction, sample in zip(found, expected, strict=True):
        assert prediction.name == sample.frame_dir
        assert prediction.truth == int(sample.gt_label)
        assert prediction.label == int(sample.pred_label)
        np.testing.assert_array_equal(prediction.scores, sample.pred_score.numpy())
    assert len({prediction.scores.tobytes() for prediction in found}) == 3


def test_scores_are_bit_for_bit_those_of_the_dump(tmp_path, small, ntu_file):
    cfg, checkpoint = small
    dump = tmp_path / 'scores.pkl'
    arguments = ['--dump', dump, '--work-dir', tmp_path / 'wd']
    assert run_tool('test.py', write_config(cfg, tmp_path), checkpoint, *arguments) == 0
    scores = load_scores(dump)
    inferencer = SkeletonInferencer(cfg, checkpoint)
    found = inferencer(find_recordings(ntu_file, 'xsub_val')[:6])
    assert [prediction.name for prediction in found] == scores.names
    np.testing.assert_array_equal([prediction.scores for prediction in found], scores.scores)
    one_by_one = SkeletonInferencer(cfg, checkpoint, batch_size=1)
    singly = [p.scores for p in one_by_one(find_recordings(ntu_file, 'xsub_val')[:6])]
    np.testing.assert_allclose(singly, scores.scores, atol=1e-6)


def test_the_answer_is_ranked_and_named(inferencer, ntu_file):
    prediction = inferencer(find_recordings(ntu_file)[0], top_k=3)[0]
    order = np.argsort(-prediction.scores)[:3].tolist()
    assert [answer.label for answer in prediction.top_k] == order
    assert prediction.label == order[0] and prediction.score == prediction.scores[order[0]]
    assert prediction.class_name == inferencer.class_names[order[0]]
    assert prediction.scores.sum() == pytest.approx(1, abs=1e-5)
    assert len(inferencer(find_recordings(ntu_file)[0], top_k=1000)[0].top_k) == 60


def test_an_array_is_the_same_as_its_file(tmp_path, inferencer):
    keypoint = np.random.default_rng(0).normal(size=(2, 30, 25, 3)).astype(np.float32)
    np.save(tmp_path / 'x.npy', keypoint)
    by_array, by_list, by_path = (
        inferencer(keypoint)[0],
        inferencer([keypoint])[0],
        inferencer(tmp_path / 'x.npy')[0],
    )
    np.testing.assert_array_equal(by_array.scores, by_path.scores)
    np.testing.assert_array_equal(by_array.scores, by_list.scores)
    before = keypoint.copy()
    inferencer(keypoint)
    np.testing.assert_array_equal(keypoint, before)
    one = inferencer(keypoint[0])[0]
    np.testing.assert_array_equal(one.scores, inferencer(keypoint[:1])[0].scores)


@pytest.mark.parametrize('scale, lines', [(1, 0), (1000, 1)])
def test_millimetres_are_named_once(small, scale, lines, monkeypatch):
    log = []
    monkeypatch.setattr('csre_mm.apis.inferencer.print_log', lambda line, *_: log.append(line))
    keypoint = np.random.default_rng(2).uniform(0, 1.7, (1, 20, 25, 3)) * scale
    SkeletonInferencer(*small)([keypoint, keypoint])
    assert len(log) == lines
    if log:
        assert 'array 0: the body spans 1,' in log[0] and 'millimetres' in log[0]


def test_a_checkpoint_of_another_model_is_one_line(small, tmp_path, ucla_file):
    other, _ = make_checkpoint('hcn_ntu60', ucla_file, tmp_path)
    with pytest.raises(InputError, match=r'another model: \d+ tensors are missing .* and \d+ are'):
        SkeletonInferencer(other, small[1])


def test_a_bare_state_dict_and_one_without_the_neck(small, tmp_path, inferencer):
    cfg, checkpoint = small
    state = torch.load(checkpoint, weights_only=True)['state_dict']
    torch.save({k: v for k, v in state.items() if not k.startswith('neck.')}, tmp_path / 'bare.pth')
    keypoint = np.ones((1, 20, 25, 3), np.float32) * np.arange(20)[:, None, None]
    bare = SkeletonInferencer(cfg, tmp_path / 'bare.pth')(keypoint)[0]
    np.testing.assert_array_equal(bare.scores, inferencer(keypoint)[0].scores)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(device='nowhere'), "no device 'nowhere'"),
        (dict(device='meta'), "no device 'meta'"),
        (dict(device='privateuseone'), "no device 'privateuseone'"),
        (dict(batch_size=0), 'a batch of 0'),
        (dict(class_names=['a', 'b']), '2 names, expected one for each of 60'),
        (dict(class_names='nwucla'), '10 names, expected one for each of 60'),
        (dict(class_names='no.txt'), 'class names no.txt: no such file'),
    ],
)
def test_bad_arguments(small, change, message):
    with pytest.raises(InputError, match=message):
        SkeletonInferencer(*small, **change)


@pytest.mark.parametrize(
    'shape, message',
    [
        ((1, 10, 20, 3), r'\(1, 10, 20, 3\), the model takes .* 25 joints, 3 coordinates'),
        ((1, 10, 25, 2), '25 joints, 3 coordinates'),
        ((10, 75), 'expected numbers'),
        ((1, 0, 25, 3), r'of the shape \(1, 0, 25, 3\), expected a person'),
    ],
)
def test_bad_skeletons(inferencer, shape, message):
    with pytest.raises(InputError, match=message):
        inferencer(np.ones(shape, np.float32))


def test_joints_in_another_order_are_refused(tmp_path, ucla_file):
    """NW-UCLA and UTD-MHAD have the same twenty joints."""
    inferencer = SkeletonInferencer(*make_checkpoint('hcn_nwucla', ucla_file, tmp_path))
    keypoint = np.random.default_rng(0).uniform(0, 1, (1, 30, 20, 3))
    for layouts in ((), ('nw-ucla',)):
        assert inferencer(Recording('x', keypoint, layouts=layouts))[0].scores.shape == (10,)
    with pytest.raises(InputError, match='x: the joints are in the order of utd-mhad, the model'):
        inferencer(Recording('x', keypoint, layouts=('utd-mhad',)))


def test_a_bad_file_among_others_can_be_left_out(inferencer):
    good = np.random.default_rng(5).normal(size=(1, 10, 25, 3)).astype(np.float32)
    bad = np.ones((1, 10, 20, 3), np.float32)
    errors = []
    found = list(inferencer.iterate([good, bad, good], on_error=errors.append))
    assert [p.name for p in found] == ['array 0', 'array 2'] and len(errors) == 1
    with pytest.raises(InputError, match='array 1'):
        inferencer([good, bad])


def test_bad_top_k_window_and_input(inferencer):
    keypoint = np.ones((1, 10, 25, 3), np.float32)
    for arguments, message in (
        (dict(top_k=0), 'top 0'),
        (dict(window=0), 'window 0'),
        (dict(window=4, stride=0), 'stride 0'),
        (dict(stride=2), 'needs a window'),
    ):
        with pytest.raises(InputError, match=message):
            inferencer(keypoint, **arguments)
    with pytest.raises(InputError, match='a generator cannot be classified'):
        inferencer(frame for frame in keypoint[0])


def test_scores_of_more_persons_than_the_model_takes_go_with_them(small, ntu_file):
    cfg, checkpoint = copy.deepcopy(small)
    pipeline = cfg.test_dataloader.dataset.pipeline
    pipeline[0] = dict(type='PreNormalize2D')
    pipeline.insert(1, dict(type='GenSkeFeat', dataset='coco', feats=['j']))
    cfg.model.data_preprocessor.rotation = 0
    inferencer = SkeletonInferencer(cfg, checkpoint)
    rng = np.random.default_rng(0)
    keypoint = rng.uniform(1, 300, (3, 20, 25, 2)).astype(np.float32)
    keypoint[1] = keypoint[1, :1]  # does not move
    score = rng.uniform(0.5, 1, (3, 20, 25)).astype(np.float32)

    def answer(persons):
        fields = {'keypoint_score': score[persons], 'img_shape': (400, 400)}
        return inferencer(Recording('x', keypoint[persons], fields=fields))[0]

    moving = [0, 2] if keypoint[0].var() > keypoint[2].var() else [2, 0]
    np.testing.assert_array_equal(answer([0, 1, 2]).scores, answer(moving).scores)
    score[:] = 0
    assert answer([0]).class_name == 'nobody'


def test_a_batch_size_of_the_config_is_checked(small):
    cfg, checkpoint = copy.deepcopy(small)
    cfg.test_dataloader.batch_size = 0
    with pytest.raises(InputError, match='a batch of 0 clips'):
        SkeletonInferencer(cfg, checkpoint)
