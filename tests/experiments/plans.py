"""Small plans of runs, and commands that stand for training and testing."""

from pathlib import Path

from csre_mm.experiments.plan import BASELINE, Variant
from tests.conftest import config

VARIANTS = (Variant(BASELINE, {}), Variant('csre', {}))

TRAIN = """
import os, pathlib, sys, time
arguments = sys.argv[1:]
folder = pathlib.Path(arguments[arguments.index('--work-dir') + 1])
seed = int(arguments[arguments.index('--seed') + 1])
print('threads', os.environ['OMP_NUM_THREADS'], 'gpu', os.environ.get('CUDA_VISIBLE_DEVICES'))
done = len(list(folder.glob('epoch_*.pth')))
print('starts after epoch', done)
if (folder.parent / 'break').exists():
    sys.exit('broken')
(folder / 'started').write_text(str(os.getpid()))
while (folder.parent / 'hang').exists():
    time.sleep(0.05)
for epoch in range(done + 1, 4):
    (folder / f'epoch_{epoch}.pth').touch()
(folder / f'best_acc_top1_epoch_{3 - seed % 2}.pth').touch()
log = folder / 'date' / 'vis_data' / 'scalars.json'
log.parent.mkdir(parents=True, exist_ok=True)
lines = [f'{{"epoch": {e}, "iter": {2 * e}, "loss": {1 / e}}}' for e in (1, 2, 3)]
log.write_text('\\n'.join(lines) + '\\n')
"""
TEST = """
import pathlib, pickle, sys
import numpy as np
config, checkpoint, _, out = sys.argv[1:5]
print('tests', pathlib.Path(checkpoint).name)
rng = np.random.default_rng(len(config) + int(pathlib.Path(checkpoint).stem[-1]))
samples = [
    dict(frame_dir=f's{i:02d}', gt_label=i % 3, pred_label=0, pred_score=rng.random(3, np.float32))
    for i in range(12)
]
pickle.dump(samples, open(out, 'wb'), protocol=4)
"""


def write_tools(folder: Path) -> Path:
    """Write commands that leave the files of a run behind, without training one."""
    (folder / 'tools').mkdir(parents=True)
    (folder / 'tools/train.py').write_text(TRAIN)
    (folder / 'tools/test.py').write_text(TEST)
    return folder


def request_of(folder, **changes):
    """Arguments of ``plan_runs`` for one run of each variant of HCN on NW-UCLA."""
    configs = [config('hcn_nwucla')]
    return dict(configs=configs, variants=VARIANTS, folder=Path(folder)) | changes
