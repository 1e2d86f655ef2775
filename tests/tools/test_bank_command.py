import pytest
import torch

from tests.commands import Command, captured
from tests.runs import make_runner


@pytest.fixture(scope='module')
def trained(tmp_path_factory, ucla_file):
    """A CSRE run of one short epoch, with its config."""
    folder = tmp_path_factory.mktemp('run')
    extra = {'train_cfg.max_epochs': 1}
    runner = make_runner('csre_ctrgcn_nwucla', ucla_file, folder, **extra)
    runner.cfg.dump(folder / 'config.py')
    runner.train()
    return folder


@pytest.fixture
def bank(tmp_path, monkeypatch, capsys):
    return captured(Command('analysis/bank.py', tmp_path, monkeypatch), capsys)


def test_both_banks_are_described(bank, trained):
    status, out, _ = bank(trained / 'config.py', trained / 'epoch_1.pth', '--fresh')
    assert status == 0
    for name in ('spatial', 'temporal'):
        assert f'{name} bank: 120 slots, and 0 empty' in out
    everything = [line.split() for line in out.splitlines() if line.startswith('all')]
    assert [line[1] for line in everything] == ['120', '120']
    assert all(-1 <= float(line[-1]) <= 1 for line in everything)
    status, out, _ = bank(trained / 'config.py', trained / 'epoch_1.pth')
    assert status == 0 and all(
        line.split()[-1] == '-' for line in out.splitlines() if line.startswith('all')
    )


def test_another_training_set_is_refused(bank, trained):
    options = ['--cfg-options', 'train_dataloader.dataset.dataset.indices=5']
    status, _, err = bank(trained / 'config.py', trained / 'epoch_1.pth', '--fresh', *options)
    assert status == 2
    assert err.endswith(
        'bank has 120 slots, with the training set of the config it would have 25\n'
    )


def test_a_best_checkpoint_of_a_baseline(bank, trained, ucla_file, tmp_path):
    path = tmp_path / 'bare.pth'
    state = torch.load(trained / 'epoch_1.pth', weights_only=False)['state_dict']
    torch.save({'state_dict': {k: v for k, v in state.items() if 'neck' not in k}}, path)
    status, _, err = bank(trained / 'config.py', path)
    assert status == 2 and 'bank.py: error: the checkpoint has no memory banks' in err
