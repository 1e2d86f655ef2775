"""Two and four processes equal one process with the joined batch."""

from collections import Counter
from functools import partial

import pytest
import torch
import torch.multiprocessing as mp
from torch import distributed

from csre_mm.models import MemoryContrastLoss
from csre_mm.models.losses.join_batch import join_batch
from csre_mm.utils import device
from csre_mm.utils.errors import InputError

S, D = 40, 8
STEPS = {
    'equal batches': [[4, 4], [4, 4]],
    'a smaller last batch': [[4, 4], [4, 1]],
    'a sample on both ranks': [[4, 4], [3, 2]],
    'a rank without an anchor': [[3, 3]],
}


def batches(case, num_ranks):
    """For each step, for each rank: features, labels, indices."""
    generator = torch.Generator().manual_seed(0)
    all_labels = torch.arange(S) % 4
    steps = []
    for sizes in STEPS[case]:
        ranks = []
        for rank, size in enumerate(sizes * (num_ranks // 2)):
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


def make_loss(case, num_negatives=5):
    torch.manual_seed(5)
    update = 'after' if case == 'a rank without an anchor' else 'before'
    loss = MemoryContrastLoss(
        D, num_positives=3, num_negatives=num_negatives, update=update
    ).double()
    loss.bank.allocate(S)
    loss.bank.features.copy_(torch.nn.functional.normalize(torch.randn(S, D), dim=1))
    loss.bank.labels.copy_(torch.arange(S) % 4)
    loss.bank.labels[1::6] = -1
    return loss


def run_steps(case, num_ranks, batch_of, num_negatives=5):
    """Value, gradient and bank of each step; ``batch_of`` makes a batch of those of the ranks."""
    loss, results = make_loss(case, num_negatives), []
    for ranks in batches(case, num_ranks):
        z, labels, indices = batch_of(ranks)
        z.requires_grad_()
        value = loss(z, labels, indices)
        value.backward()
        bank = loss.bank.features.clone(), loss.bank.labels.clone()
        results.append((value.detach(), z.grad, *bank))
    return results


def join(ranks):
    return (torch.cat(parts) for parts in zip(*ranks, strict=True))


def count_collectives():
    """Count the collectives of this process by name."""
    counts = Counter()

    def count(name, call, *args, **kwargs):
        counts[name] += 1
        return call(*args, **kwargs)

    for name in ('all_gather', 'all_gather_into_tensor', 'all_reduce', 'broadcast', 'barrier'):
        setattr(distributed, name, partial(count, name, getattr(distributed, name)))
    return counts


def work(rank, num_ranks, folder):
    """Write the results of a rank into a folder."""
    store = distributed.FileStore(f'{folder}/store', num_ranks)
    distributed.init_process_group('gloo', store=store, rank=rank, world_size=num_ranks)
    counts = count_collectives()
    results = {'steps': sum(len(steps) for steps in STEPS.values())}
    for case in STEPS:
        results[case] = run_steps(case, num_ranks, lambda ranks: ranks[rank])
    results['collectives'] = dict(counts)
    device.CPU = 'another'  # as on a GPU: smaller batches are filled up
    for case in STEPS:
        results[f'{case}, padded'] = run_steps(case, num_ranks, lambda ranks: ranks[rank], S)
    torch.save(results, f'{folder}/{rank}.pt')
    distributed.destroy_process_group()


@pytest.fixture(scope='module', params=[2, 4])
def results_of_ranks(request, tmp_path_factory):
    """The results of all ranks."""
    folder = tmp_path_factory.mktemp('ranks')
    arguments = (request.param, str(folder))
    mp.start_processes(work, arguments, nprocs=request.param, start_method='forkserver')
    return [torch.load(folder / f'{rank}.pt') for rank in range(request.param)]


@pytest.mark.parametrize('padded', [False, True], ids=['', 'padded'])
@pytest.mark.parametrize('case', STEPS)
def test_several_processes_equal_one(results_of_ranks, case, padded):
    """With padding other random negatives are drawn: then all of them are taken."""
    num_ranks, key = len(results_of_ranks), f'{case}, padded' if padded else case
    ranks = [results[key] for results in results_of_ranks]
    expected = run_steps(case, num_ranks, join, S if padded else 5)
    for step, (value, grad, features, labels) in enumerate(expected):
        for rank in ranks:
            assert torch.equal(rank[step][2], features) and torch.equal(rank[step][3], labels)
        # DistributedDataParallel takes the mean over the ranks.
        mean = sum(rank[step][0] for rank in ranks) / num_ranks
        torch.testing.assert_close(mean, value)
        of_ranks = torch.cat([rank[step][1] for rank in ranks]) / num_ranks
        torch.testing.assert_close(of_ranks, grad)
        if case == 'a rank without an anchor':
            assert not ranks[1][step][1].any() and ranks[0][step][1].any()


def test_a_step_is_one_collective(results_of_ranks):
    """And one more in the first step of a loss, in which the ranks agree on the largest batch."""
    for results in results_of_ranks:
        assert results['collectives'] == {'all_gather': results['steps'] + len(STEPS)}


def test_a_batch_larger_than_the_first(monkeypatch):
    monkeypatch.setattr('csre_mm.models.losses.join_batch.dist.get_world_size', lambda: 2)
    with pytest.raises(InputError, match='a batch of 5 samples on rank 0: no rank had more than 4'):
        join_batch([torch.zeros(5, D)], torch.zeros(5), torch.zeros(5), 4)
