"""Two processes equal one process with the joined batch."""

import os

import pytest
import torch
import torch.multiprocessing as mp
from torch import distributed

from csre_mm.models import MemoryContrastLoss

S, D = 40, 8
STEPS = {
    'equal batches': [[4, 4], [4, 4]],
    'a smaller last batch': [[4, 4], [4, 1]],
    'a sample on both ranks': [[4, 4], [3, 2]],
    'a rank without an anchor': [[3, 3]],
}


def batches(case):
    """For each step, for each rank: features, labels, indices."""
    generator = torch.Generator().manual_seed(0)
    all_labels = torch.arange(S) % 4
    steps = []
    for sizes in STEPS[case]:
        ranks = []
        for rank, size in enumerate(sizes):
            indices = torch.randperm(S, generator=generator)[:size]
            labels = all_labels[indices]
            if case == 'a rank without an anchor' and rank == 1:
                indices = torch.tensor([0, 4, 8])
                labels = torch.full((3,), 9)  # a class that occurs nowhere else, and update='after'
            z = torch.randn(size, D, generator=generator, dtype=torch.float64)
            ranks.append((z, labels, indices))
        if case == 'a sample on both ranks':
            ranks[1][2][-1], ranks[1][1][-1] = ranks[0][2][0], ranks[0][1][0]
        steps.append(ranks)
    return steps


def make_loss(case):
    torch.manual_seed(5)
    update = 'after' if case == 'a rank without an anchor' else 'before'
    loss = MemoryContrastLoss(D, num_positives=3, num_negatives=5, update=update).double()
    loss.bank.allocate(S)
    loss.bank.features.copy_(torch.nn.functional.normalize(torch.randn(S, D), dim=1))
    loss.bank.labels.copy_(torch.arange(S) % 4)
    loss.bank.labels[1::6] = -1
    return loss


def run_steps(case, batch_of):
    """Value, gradient and bank of each step; ``batch_of`` makes a batch of those of the ranks."""
    loss, results = make_loss(case), []
    for ranks in batches(case):
        z, labels, indices = batch_of(ranks)
        z.requires_grad_()
        value = loss(z, labels, indices)
        value.backward()
        bank = loss.bank.features.clone(), loss.bank.labels.clone()
        results.append((value.detach(), z.grad, *bank))
    return results


def join(ranks):
    return (torch.cat(parts) for parts in zip(*ranks, strict=True))


def work(rank, folder):
    os.environ.update(MASTER_ADDR='127.0.0.1')
    store = distributed.FileStore(f'{folder}/store', 2)
    distributed.init_process_group('gloo', store=store, rank=rank, world_size=2)
    torch.set_num_threads(1)
    results = {case: run_steps(case, lambda ranks: ranks[rank]) for case in STEPS}
    torch.save(results, f'{folder}/{rank}.pt')
    distributed.destroy_process_group()


@pytest.fixture(scope='module')
def two_processes(tmp_path_factory):
    """The results of both ranks."""
    folder = tmp_path_factory.mktemp('ranks')
    mp.spawn(work, (str(folder),), nprocs=2)
    return [torch.load(folder / f'{rank}.pt') for rank in range(2)]


@pytest.mark.parametrize('case', STEPS)
def test_two_processes_equal_one(two_processes, case):
    ranks = [results[case] for results in two_processes]
    for step, (value, grad, features, labels) in enumerate(run_steps(case, join)):
        for rank in ranks:
            assert torch.equal(rank[step][2], features) and torch.equal(rank[step][3], labels)
        # DistributedDataParallel takes the mean over the ranks.
        torch.testing.assert_close((ranks[0][step][0] + ranks[1][step][0]) / 2, value)
        of_ranks = torch.cat([rank[step][1] for rank in ranks]) / 2
        torch.testing.assert_close(of_ranks, grad)
        if case == 'a rank without an anchor':
            assert not ranks[1][step][1].any() and ranks[0][step][1].any()
