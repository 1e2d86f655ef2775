"""Small runs of the shipped configs."""

import uuid

from mmengine.config import Config, DictAction
from mmengine.runner import Runner

from csre_mm.apis import build_runner, complete_config, read_config
from tests.conftest import config, encoder_of, options_of, repeats


def small_config(name, ann_file, work_dir, **extra) -> Config:
    """A shipped config on small synthetic data."""
    cfg = read_config(str(config(name)))
    options = options_of(
        ann_file,
        csre='csre' in name,
        repeated=repeats(name),
        encoder=encoder_of(name),
        **extra,
    )
    pairs = dict(option.split('=', 1) for option in options)
    cfg.merge_from_dict({key: DictAction._parse_iterable(value) for key, value in pairs.items()})
    cfg.work_dir = str(work_dir)
    cfg.experiment_name = uuid.uuid4().hex
    cfg.randomness = dict(seed=0)
    return complete_config(cfg) if 'csre' in name else cfg


def make_runner(name, ann_file, work_dir, **extra) -> Runner:
    """The runner of :func:`small_config`."""
    return build_runner(small_config(name, ann_file, work_dir, **extra))
