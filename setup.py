"""Installation of csre_mm."""

import os
import shutil
import sysconfig
from importlib.metadata import distributions
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent


def version() -> str:
    """Read the version without importing the package."""
    namespace: dict = {}
    exec((HERE / 'csre_mm/version.py').read_text(encoding='utf-8'), namespace)
    return namespace['__version__']


def mmcv_requirement() -> list[str]:
    """mmcv-lite, unless the environment has the full mmcv.

    Both install the module ``mmcv``, so mmcv-lite would overwrite the compiled operators. pip
    builds in an isolated environment; the folders asked here are those of the environment that it
    installs into.
    """
    folders = [sysconfig.get_path('purelib'), sysconfig.get_path('platlib')]
    installed = {str(found.name).lower() for found in distributions(path=folders)}
    return [] if 'mmcv' in installed else ['mmcv-lite>=2.0.1,<2.2']


class BuildWithTools(build_py):
    """Brings configs and tools into the package, in ``csre_mm/.mim`` as mmaction2 does.

    A wheel has copies of them, an editable install links to them.
    """

    def run(self) -> None:
        """Build the package, then add to it."""
        super().run()
        target = Path(HERE if self.editable_mode else self.build_lib, 'csre_mm/.mim')
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in ('configs', 'tools', 'model-index.yml'):
            if not (self.editable_mode and link(HERE / name, target / name)):
                copy(HERE / name, target / name)


def link(source: Path, target: Path) -> bool:
    """Make a symbolic link; False where the system or the user may not."""
    try:
        target.symlink_to(os.path.relpath(source, target.parent), source.is_dir())
    except OSError:
        return False
    return True


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder, without what serves the repository only."""
    ignored = shutil.ignore_patterns('__pycache__', 'write_results.py', 'results_pages')
    if source.is_dir():
        shutil.copytree(source, target, ignore=ignored)
    else:
        shutil.copyfile(source, target)


# decord, which mmaction2 1.2.0 requires, decodes videos, and has wheels for these platforms alone.
# Elsewhere mmaction2 is installed separately, without its requirements; csre_mm names those of them
# that skeletons need.
DECORD = (
    "(sys_platform == 'linux' and platform_machine == 'x86_64') or "
    "(sys_platform == 'win32' and platform_machine == 'AMD64')"
)

EXTRAS = {
    # tools/export_onnx.py: the format, the translation from PyTorch, and the check
    'export': ['onnx>=1.17', 'onnxscript>=0.2', 'onnxruntime>=1.18'],
    'analysis': ['scikit-learn>=1.3'],  # t-SNE and silhouettes of tools/analysis/embedding.py
    'umap': ['umap-learn>=0.5.6'],  # its --method umap
    'video': ['imageio-ffmpeg'],  # the .mp4 of tools/predict.py where there is no ffmpeg
    'tensorboard': ['tensorboard'],  # tools/train.py --tracker
    'wandb': ['wandb'],
}

setup(
    name='csre_mm',
    version=version(),
    description='CSRE for OpenMMLab skeleton action recognition: a train-only neck for any encoder',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    author='The csre_mm contributors',
    license='Apache-2.0',
    packages=find_packages(include=['csre_mm', 'csre_mm.*']),
    py_modules=['csre_mm_cli'],
    package_data={'csre_mm': ['py.typed', 'datasets/class_lists/*.txt']},
    entry_points={'console_scripts': ['csre-mm = csre_mm_cli:main']},
    cmdclass={'build_py': BuildWithTools},
    python_requires='>=3.10,<3.14',
    install_requires=[
        # Bounded above: what comes after is untested, and the bound keeps pip from replacing an
        # installed CPU build by a newer one with CUDA.
        'torch>=2.4,<2.14',
        "torch>=2.6; python_version >= '3.13'",  # torch 2.5 cannot save a tensor there
        'mmengine>=0.10.7',
        f'mmaction2==1.2.0; {DECORD}',
        *('einops', 'opencv-contrib-python', 'Pillow'),  # required by mmaction2, on any platform
        'numpy',
        # Figures of the analysis commands; the OpenMMLab packages bring both along.
        'matplotlib',
        'pyyaml',  # the metafiles of tools/write_results.py; mmengine brings it along
        'rich',  # progress bars and tables of the commands
        'scipy',  # the exact test of tools/analysis/compare.py; mmaction2 brings it along
        # mmaction2 1.2.0 imports it and does not declare it.
        'importlib_metadata',
        *mmcv_requirement(),
    ],
    extras_require={
        **EXTRAS,
        # setuptools: a test builds the wheel. pytest-xdist: the suite on several cores. The others:
        # what they serve is tested.
        'dev': [
            *('mypy', 'pre-commit', 'pytest', 'pytest-xdist>=3.2', 'ruff', 'setuptools>=70.1'),
            *(*EXTRAS['export'], *EXTRAS['analysis'], *EXTRAS['tensorboard']),
        ],
    },
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Science/Research',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
)
