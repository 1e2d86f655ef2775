import pytest

from csre_mm.apis import SkeletonInferencer
from tests.inference import make_checkpoint


@pytest.fixture(scope='module')
def small(tmp_path_factory, ntu_file):
    """A CTR-GCN with CSRE: its config and checkpoint."""
    keys = {
        'test_dataloader.dataset.indices': 6,
        'test_dataloader.batch_size': 4,
        'test_dataloader.dataset.pipeline.1.clip_len': 24,
    }
    return make_checkpoint('csre_ctrgcn_ntu60', ntu_file, tmp_path_factory.mktemp('small'), **keys)


@pytest.fixture(scope='module')
def inferencer(small):
    return SkeletonInferencer(*small)
