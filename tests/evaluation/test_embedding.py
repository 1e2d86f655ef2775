import matplotlib.image
import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from csre_mm.apis import SkeletonInferencer
from csre_mm.apis.features import (
    Features,
    batch_features,
    find_samples,
    load_stfd,
    save_features,
)
from csre_mm.apis.recordings import find_recordings
from csre_mm.datasets.annotations import load_annotations
from csre_mm.evaluation.embedding import class_means, embed, principal_components, silhouettes
from csre_mm.utils.checkpoints import read_state_dict
from csre_mm.utils.errors import InputError
from csre_mm.visualization.embedding_figure import draw_embedding, draw_silhouettes
from tests.conftest import config
from tests.inference import SHORT, make_checkpoint


def blobs(classes=3, per_class=20, dims=8, spread=0.05):
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(classes, dims))
    labels = np.repeat(np.arange(classes), per_class)
    return (centres[labels] + spread * rng.normal(size=(len(labels), dims))).astype(
        np.float32
    ), labels


@pytest.mark.parametrize('name', ['csre_ctrgcn_ntu60', 'csre_hcn_ntu60', 'csre_posec3d_ntu60'])
def test_features_are_those_that_the_neck_contrasts(tmp_path, ntu_file, name):
    extra = {}
    if 'ctrgcn' in name:
        extra = {**SHORT, 'train_dataloader.dataset.pipeline.1.clip_len': 16}
    if 'posec3d' in name:
        extra['test_dataloader.dataset.pipeline.1.num_clips'] = 1
        extra['test_dataloader.dataset.pipeline.1.clip_len'] = 8
        extra['train_dataloader.dataset.dataset.pipeline.1.clip_len'] = 8
        extra['test_dataloader.dataset.pipeline.4.crop_size'] = 56  # as in training
    cfg, checkpoint = make_checkpoint(name, ntu_file, tmp_path, **extra)
    inferencer = SkeletonInferencer(cfg, checkpoint)
    stfd = load_stfd(read_state_dict(checkpoint))
    batch = [inferencer.prepare(r) for r in find_recordings(ntu_file, 'xsub_val')[:2]]
    found = batch_features(inferencer.model, stfd, pseudo_collate(batch))
    init_default_scope('mmaction')
    whole = MODELS.build(cfg.model).eval()
    whole.load_state_dict(torch.load(checkpoint, weights_only=True)['state_dict'])
    with torch.no_grad():
        data = whole.data_preprocessor(pseudo_collate(batch), False)
        x = whole.backbone(data['inputs'].flatten(0, 1))
        z_s, z_t = whole.neck.decompose(x, 2)
    np.testing.assert_allclose(found['z_s'], z_s, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found['z_t'], z_t, rtol=1e-5, atol=1e-6)
    axes = (2, 3, 4) if x.ndim == 5 and not whole.neck.with_persons else (1, 3, 4)
    expected = x.numpy().reshape(2, -1, *x.shape[1:]).mean((1, *[a + 1 for a in axes]))
    if whole.neck.with_persons:
        expected = x.mean(axes).numpy()
    np.testing.assert_allclose(found['encoder'], expected, rtol=1e-5, atol=1e-6)


def test_a_feature_map_of_another_size_is_an_error(tmp_path, ntu_file):
    keys = {'test_dataloader.dataset.pipeline.1.clip_len': 32}
    cfg, checkpoint = make_checkpoint('csre_ctrgcn_ntu60', ntu_file, tmp_path, **keys)
    inferencer = SkeletonInferencer(cfg, checkpoint)
    batch = pseudo_collate([inferencer.prepare(find_recordings(ntu_file)[0])])
    with pytest.raises(InputError, match='8 frames and 25 positions, the neck was'):
        batch_features(inferencer.model, load_stfd(read_state_dict(checkpoint)), batch)


def test_a_checkpoint_without_a_neck_and_a_damaged_one(tmp_path, ntu_file):
    _, checkpoint = make_checkpoint('csre_ctrgcn_ntu60', ntu_file, tmp_path)
    state = read_state_dict(checkpoint)
    assert load_stfd({k: v for k, v in state.items() if not k.startswith('neck.')}) is None
    del state['neck.stfd.temporal.project.weight']
    with pytest.raises(InputError, match='the neck in the checkpoint is damaged'):
        load_stfd(state)


def test_samples_are_those_of_the_loaders(named_file):
    split = load_annotations(named_file)['split']
    cfg = Config.fromfile(config('csre_ctrgcn_nwucla'))
    repeated, tested = cfg.train_dataloader.dataset.dataset, cfg.test_dataloader.dataset
    repeated.ann_file = tested.ann_file = str(named_file)

    def found(name):
        return [recording.name for recording in find_samples(cfg, name)]

    assert sorted(found('train')) == sorted(split['train'])
    assert sorted(found('test')) == sorted(split['val'])
    assert sorted(found('val_clean')) == sorted(split['val_clean'])
    # Subjects that are held out, as benchmark_runs.py --folds sets them, and the first samples.
    tested.update(split='train', subjects=[1, 2])
    held_out = [name for name in split['train'] if 's01' in name or 's02' in name]
    assert sorted(found('test')) == sorted(held_out)
    whole = found('train')
    repeated.indices = 2
    assert found('train') == whole[:2]


def test_principal_components_are_those_of_the_covariance():
    features, _ = blobs()
    found = principal_components(features, 2)
    values, vectors = np.linalg.eigh(np.cov(features.T.astype(np.float64)))
    expected = (features - features.mean(0)) @ vectors[:, ::-1][:, :2]
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-5)
    np.testing.assert_allclose(found.var(0, ddof=1), values[::-1][:2], rtol=1e-4)
    np.testing.assert_array_equal(found, principal_components(features.copy(), 2))
    assert principal_components(np.ones((5, 1), np.float32), 2).shape == (5, 2)


def test_silhouettes_against_the_definition():
    pytest.importorskip('sklearn')
    features, labels = blobs(per_class=4, spread=0.8)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    distances = 1 - unit @ unit.T
    found = silhouettes(features, labels)
    for i, label in enumerate(labels):
        own = [j for j in range(len(labels)) if labels[j] == label and j != i]
        inside = distances[i, own].mean()
        outside = min(distances[i, labels == other].mean() for other in {0, 1, 2} - {label})
        assert found[i] == pytest.approx((outside - inside) / max(inside, outside), abs=1e-5)
    assert class_means(found, labels)[1] == pytest.approx(found[labels == 1].mean())
    with pytest.raises(InputError, match='12 samples of 1 classes'):
        silhouettes(features, np.zeros(12, int))


def test_tsne_keeps_classes_together():
    pytest.importorskip('sklearn')
    features, labels = blobs(per_class=8)
    points = embed(features, 'tsne')
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert (labels[distances.argmin(1)] == labels).all()


@pytest.mark.parametrize('method, module', [('tsne', 'sklearn'), ('umap', 'umap')])
def test_a_missing_package_is_named_with_its_command(monkeypatch, method, module):
    def missing(name):
        raise ModuleNotFoundError(f'No module named {name!r}', name=name)

    monkeypatch.setattr('csre_mm.utils.optional.importlib.import_module', missing)
    with pytest.raises(InputError, match=rf'--method {method} needs {module}.*pip install'):
        embed(blobs()[0], method)


def test_too_few_samples():
    with pytest.raises(InputError, match='3 samples, a figure needs 4'):
        embed(np.ones((3, 2)), 'pca')


def test_the_file(tmp_path):
    features = Features(['a', 'b'], np.array([1, 0]), {'encoder': np.ones((2, 3), np.float32)})
    save_features(features, tmp_path / 'x.npz')
    with np.load(tmp_path / 'x.npz', allow_pickle=False) as file:
        assert file['names'].tolist() == ['a', 'b'] and file['labels'].tolist() == [1, 0]
        assert file['encoder'].shape == (2, 3)
    with pytest.raises(InputError, match=r'must end in \.npz'):
        save_features(features, tmp_path / 'x.npy')


@pytest.mark.parametrize('suffix', ['.png', '.pdf', '.svg'])
def test_the_figures(tmp_path, suffix):
    features, labels = blobs(classes=14, per_class=5)
    points = {'encoder': features[:, :2], 'z_s': features[:, 2:4], 'z_t': features[:, 4:6]}
    names = [f'class {label}' for label in range(14)]
    path = tmp_path / f'x{suffix}'
    draw_embedding(points, labels, list(range(12)), names, path, {'encoder': 0.5})
    draw_silhouettes(
        {kind: {label: 0.1 * label for label in range(14)} for kind in points},
        dict.fromkeys(points, 0.3),
        names,
        tmp_path / f'y{suffix}',
    )
    assert path.stat().st_size > 5000 and (tmp_path / f'y{suffix}').stat().st_size > 3000
    if suffix == '.png':
        width = matplotlib.image.imread(path).shape[1]
        assert abs(width - 1440) <= 1  # releases of matplotlib round differently
    with pytest.raises(ValueError, match='at most 12'):
        draw_embedding(points, labels, list(range(13)), names, path)


def test_no_two_classes_look_the_same():
    from csre_mm.visualization.embedding_figure import _look

    looks = [_look(place) for place in range(12)]
    same = {(k['marker'], k['markeredgecolor'], k['markerfacecolor']) for k in looks}
    assert len(same) == 12
    for a in range(12):  # nor do any two have the colour or the marker only in their filling apart
        for b in range(a):
            shape = looks[a]['marker'] == looks[b]['marker']
            colour = looks[a]['markeredgecolor'] == looks[b]['markeredgecolor']
            assert not (shape and colour)
