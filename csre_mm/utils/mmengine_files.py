"""Repairs of how mmengine finds, reads and writes files (:mod:`csre_mm.compat` applies them)."""

import importlib.metadata
import importlib.util
import logging
import types
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from mmengine.config import Config
from mmengine.logging import print_log

from csre_mm.utils.checkpoints import (
    OTHER_WEIGHTS,
    check_fit,
    find_state_dict,
    load_checkpoint_file,
)
from csre_mm.utils.files import atomic_path
from csre_mm.utils.project import find_config


def source_folder(package: str) -> Path | None:
    """Where a package lies, without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def replace_pkg_resources() -> None:
    """Let mmengine 0.10.7 do without ``pkg_resources``, which setuptools 82 removed."""
    if importlib.util.find_spec('pkg_resources') is not None:
        return
    import mmengine.config.config
    import mmengine.hub.hub
    import mmengine.utils.package_utils

    def is_installed(package: str) -> bool:
        try:
            importlib.metadata.distribution(package)
        except importlib.metadata.PackageNotFoundError:
            return source_folder(package) is not None
        return True

    def get_installed_path(package: str) -> str:
        # The module comes first: that of an editable install is not in site-packages.
        modules = importlib.metadata.packages_distributions().items()
        names = [package, *(module for module, owners in modules if package in owners)]
        folder = next(filter(None, map(source_folder, names)), None)
        if folder is None:
            raise ValueError(f'can not find the folder of {package}')
        return str(folder)

    package_utils, config = mmengine.utils.package_utils, mmengine.config.config
    for module in (package_utils, mmengine.utils, config, mmengine.hub.hub):
        for function in (is_installed, get_installed_path):
            if hasattr(module, function.__name__):
                setattr(module, function.__name__, function)


def find_shipped_bases() -> None:
    """Let ``_base_ = 'csre_mm::csre_ctrgcn_ntu60.py'`` mean a shipped config.

    mmengine 0.10.7 has a fixed list of packages for ``package::path`` and requires a folder in the
    path. The base has no scope, so that it gives the same as its path: csre_mm is registered in
    the scope of mmaction2.
    """
    get_cfg_path = Config._get_cfg_path

    def wrapper(cfg_path: str, filename: str) -> tuple[str, str | None]:
        package, separator, name = cfg_path.partition('::')
        if package == 'csre_mm' and separator:
            return str(find_config(name)), None
        return get_cfg_path(cfg_path, filename)

    Config._get_cfg_path = staticmethod(wrapper)


def read_without_running() -> None:
    """Let ``mmengine`` read checkpoints as data, from a file or a URL.

    ``torch.load`` runs any code in a file before torch 2.6, and refuses since then the
    ``HistoryBuffer`` and NumPy scalars that every checkpoint of mmengine 0.10.7 holds.
    """
    from mmengine.runner import checkpoint

    class SafeTorch(types.ModuleType):
        """torch, except for ``torch.load``."""

        load = staticmethod(load_checkpoint_file)

        def __getattr__(self, name: str) -> Any:
            return getattr(torch, name)

    def load_from_local(filename: str, map_location: Any) -> Any:  # mmengine logs this name
        content = load_checkpoint_file(filename, map_location)
        find_state_dict(content, filename)
        return content

    def load_url(
        url: str, model_dir: str | None = None, map_location: Any = None, progress: bool = True
    ) -> Any:
        folder = Path(model_dir or torch.hub.get_dir(), '' if model_dir else 'checkpoints')
        file = folder / Path(urlparse(url).path).name
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(file), progress=progress)
        return load_checkpoint_file(file, map_location)

    checkpoint.torch, checkpoint.load_url = SafeTorch('torch'), load_url
    checkpoint.load_from_local = load_from_local
    checkpoint.CheckpointLoader.register_scheme('', load_from_local, force=True)


def insist_on_pretrained() -> None:
    """Refuse ``init_cfg=dict(type='Pretrained', ...)`` of which less than half fits.

    mmengine loads what fits, and be it nothing: the training starts from random weights.
    """
    from mmengine.model.weight_init import PretrainedInit
    from mmengine.runner import checkpoint

    initialise = PretrainedInit.__call__

    def call(self: Any, module: Any) -> None:
        content = checkpoint._load_checkpoint(self.checkpoint, self.map_location, 'current')
        state = find_state_dict(content, self.checkpoint)
        prefix = f'{self.prefix.rstrip(".")}.' if self.prefix else ''
        part = {key[len(prefix) :]: state[key] for key in state if key.startswith(prefix)}
        expected, name = module.state_dict(), type(module).__name__
        first = f'.{next(iter(expected), "")}'
        within = next((key.removesuffix(first) for key in part if key.endswith(first)), None)
        advice = f"set init_cfg.prefix='{within}'" if within and not prefix else OTHER_WEIGHTS
        remark = check_fit(part, expected, f'init_cfg: {self.checkpoint}', name, advice)
        if remark:
            print_log(remark, 'current', logging.WARNING)
        initialise(self, module)

    PretrainedInit.__call__ = call


def write_checkpoints_whole() -> None:
    """Write a checkpoint as a whole or not at all.

    mmengine 0.10.7 writes the newest checkpoint in place, and again after the validation: a run
    that is killed meanwhile has nothing to resume from.
    """
    from mmengine.fileio import LocalBackend

    def put(self: object, obj: bytes, filepath: str | Path) -> None:
        with atomic_path(filepath) as temporary:
            temporary.write_bytes(obj)

    LocalBackend.put = put
