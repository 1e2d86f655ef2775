from types import SimpleNamespace

import pytest
import torch

from csre_mm.engine import FiniteCheckHook
from csre_mm.utils.config import get_config
from csre_mm.utils.errors import InputError

RUNNER = SimpleNamespace(iter=6)
NAN, INF = float('nan'), float('inf')


def train(losses, **arguments):
    hook = FiniteCheckHook(**arguments)
    for step, loss in enumerate(losses):
        hook.after_train_iter(RUNNER, step, outputs={'loss': torch.tensor(loss)})


def test_a_row_of_losses_that_are_not_finite_ends_the_training():
    train([1.0, NAN, NAN, 0.5, INF, -INF, 2.0, NAN], batches=3)
    message = 'in 3 batches in a row, up to iteration 7: lower optim_wrapper.optimizer.lr'
    with pytest.raises(InputError, match=message) as caught:
        train([1.0, NAN, INF, NAN], batches=3)
    assert '\n' not in str(caught.value)


def test_weights_that_are_not_finite_are_not_saved():
    hook = FiniteCheckHook()
    state = {'a': torch.ones(2), 'labels': torch.tensor([1])}
    hook.before_save_checkpoint(RUNNER, {'state_dict': state})
    state['b.weight'] = torch.tensor([1.0, INF])
    with pytest.raises(InputError, match=r'b\.weight is not finite after iteration 6'):
        hook.before_save_checkpoint(RUNNER, {'state_dict': state})


@pytest.mark.parametrize('arguments', [dict(batches=0), dict(interval=NAN), dict(batches=2.5)])
def test_its_arguments_are_checked(arguments):
    with pytest.raises(InputError, match=f'{next(iter(arguments))} is .*, it must be at least 1'):
        FiniteCheckHook(**arguments)


def test_the_shipped_configs_have_it():
    assert dict(type='FiniteCheckHook') in get_config('ctrgcn_ntu60').custom_hooks
