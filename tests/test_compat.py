import subprocess
import sys

import numpy as np
import pytest
import torch

from csre_mm import compat
from csre_mm.utils.errors import InputError
from tests.conftest import ROOT


def run(code, folder, **environment):
    """Run a line of Python in a new process, in a foreign folder."""
    import os

    return subprocess.run(
        [sys.executable, '-c', code],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_in_a_new_process_from_any_folder(tmp_path):
    """The stack imports, scipy.stats when it is called, and mmaction2's bases are found."""
    config = tmp_path / 'config.py'
    config.write_text("_base_ = 'mmaction::_base_/default_runtime.py'\n")
    code = (
        'import sys, csre_mm, csre_mm.apis, mmaction.models\n'
        'assert "scipy.stats" not in sys.modules\n'
        'from mmaction.datasets.transforms.pose_transforms import get_mode\n'
        'assert get_mode([1, 1, 2]).mode.item() == 1\n'
        'import scipy.stats\n'
        'assert scipy.stats.binomtest(1, 3).pvalue == 1 and "scipy.stats" in sys.modules\n'
        'from mmengine.config import Config\n'
        f'print(Config.fromfile({str(config)!r}).default_scope)\n'
        'from mmengine.utils import is_installed, get_installed_path\n'
        'print(is_installed("mmaction2"), is_installed("no_such_package"))\n'
        'print(get_installed_path("mmaction2"))'
    )
    result = run(code, tmp_path)
    assert result.returncode == 0, result.stderr
    assert 'MultiScaleDeformableAttention' not in result.stderr
    lines = result.stdout.splitlines()
    assert lines[:2] == ['mmaction', 'True False'] and lines[2].endswith('mmaction')


def make_transformers(folder, names):
    """A ``transformers`` that has only some of the names that VindLU imports."""
    package = folder / 'transformers'
    (package / 'models/beit').mkdir(parents=True)
    (folder / 'transformers-5.0.0.dist-info').mkdir()
    metadata = 'Metadata-Version: 2.1\nName: transformers\nVersion: 5.0.0\n'
    (folder / 'transformers-5.0.0.dist-info/METADATA').write_text(metadata)
    for file in ('__init__', 'modeling_utils', 'models/__init__', 'models/beit/__init__'):
        (package / f'{file}.py').write_text(names)
    return str(folder)


def test_imports_with_a_transformers_that_moved_on(tmp_path):
    path = make_transformers(tmp_path, 'class PreTrainedModel: ...\n')
    code = (
        'import csre_mm; from mmaction.utils import dependency;'
        'print("multimodal", dependency.WITH_MULTIMODAL)'
    )
    result = run(code, tmp_path, PYTHONPATH=path)
    assert result.returncode == 0, result.stderr
    assert 'multimodal False' in result.stdout


def test_without_the_repair_the_stack_does_not_import(tmp_path):
    result = run('import mmaction.models', tmp_path)
    assert 'mmaction.models.localizers.drn' in result.stderr, 'the repair can go'


def test_amp_on_a_cpu_is_bfloat16():
    if not compat.no_accelerator():
        pytest.skip('there is an accelerator')
    from mmengine.optim import AmpOptimWrapper

    layer = torch.nn.Linear(4, 4)
    wrapper = AmpOptimWrapper(optimizer=torch.optim.SGD(layer.parameters(), lr=1.0))
    before = layer.weight.detach().clone()
    with wrapper.optim_context(layer):
        y = layer(torch.ones(2, 4))
        assert y.dtype == torch.bfloat16
    wrapper.update_params(y.float().mean())
    assert not torch.equal(before, layer.weight) and layer.weight.dtype == torch.float32
    wrapper.load_state_dict(wrapper.state_dict())
    with pytest.raises(InputError, match='a CPU trains in bfloat16 only'):
        AmpOptimWrapper(dtype='float16', optimizer=wrapper.optimizer)


@pytest.mark.parametrize('fast', [True, False])
def test_amp_on_a_processor_without_bfloat16_warns(monkeypatch, fast):
    if not compat.no_accelerator():
        pytest.skip('there is an accelerator')
    from mmengine.optim import AmpOptimWrapper

    said = []
    monkeypatch.setattr(compat, 'print_log', lambda text, **_: said.append(text))
    monkeypatch.setattr(torch.ops.mkldnn, '_is_mkldnn_bf16_supported', lambda: fast)
    monkeypatch.setattr(torch.backends.mkldnn, 'is_available', lambda: True)
    AmpOptimWrapper(optimizer=torch.optim.SGD(torch.nn.Linear(4, 4).parameters(), lr=1.0))
    assert len(said) == (not fast)
    assert all('no bfloat16' in text and '--amp' in text for text in said)


@pytest.mark.parametrize('full_mmcv', [False, True])
def test_an_installed_full_mmcv_is_not_overwritten(tmp_path, full_mmcv):
    if full_mmcv:
        (tmp_path / 'mmcv-2.1.0.dist-info').mkdir()
        metadata = 'Metadata-Version: 2.1\nName: mmcv\nVersion: 2.1.0\n'
        (tmp_path / 'mmcv-2.1.0.dist-info/METADATA').write_text(metadata)
    code = (
        'import sysconfig, setuptools, runpy;'
        f'sysconfig.get_path = lambda name: {str(tmp_path)!r};'
        'setuptools.setup = lambda **kwargs: print(kwargs["install_requires"]);'
        f'runpy.run_path({str(ROOT / "setup.py")!r})'
    )
    result = run(code, tmp_path)
    assert result.returncode == 0, result.stderr
    assert ('mmcv-lite' in result.stdout) != full_mmcv


def test_pose_compact_works_with_numpy_2():
    from mmaction.datasets.transforms import PoseCompact

    keypoint = np.array([[[[2.0, 3.0], [6.0, 5.0]]]])  # (M, T, V, 2)
    results = dict(keypoint=keypoint, img_shape=(20, 20))
    compact = PoseCompact(padding=0.0, threshold=1)(results)
    assert compact['img_shape'] == (2, 4)
    np.testing.assert_array_equal(compact['keypoint'][0, 0], [[0, 0], [4, 2]])
