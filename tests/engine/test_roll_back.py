"""Going back to a checkpoint inside a training."""

import pytest
import torch
from deep_equality import differences
from mmengine.hooks import Hook

from mmfncontra.apis import load_checkpoint_file, prepare_config, run_training
from mmfncontra.registry import HOOKS


@HOOKS.register_module()
class GoBack(Hook):
    """Goes back once for each of its moments, numbers of iterations done in this process."""

    def __init__(self, after: list[int], lr_factor: float = 0.5) -> None:
        self.after, self.lr_factor = list(after), lr_factor
        self.done = 0
        self.rates: list[float] = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.done += 1
        self.rates.append(runner.optim_wrapper['generator'].get_lr()['lr'][0])
        if self.done in self.after:
            runner.train_loop.roll_back(self.lr_factor)


def train(config, work_dir, *hooks, **arguments):
    cfg = prepare_config(config, work_dir=work_dir, **arguments)
    cfg.custom_hooks = list(hooks)
    runner = run_training(cfg)
    found = [hook for hook in runner.hooks if isinstance(hook, GoBack)]
    return runner, found[0] if found else None


def test_with_the_same_rate_it_repeats_itself(toy_config, tmp_path):
    train(toy_config, tmp_path / 'whole')
    runner, hook = train(
        toy_config, tmp_path / 'run', dict(type='GoBack', after=[3], lr_factor=1.0)
    )
    assert runner.iter == 4 and hook.done == 5
    whole, again = (load_checkpoint_file(tmp_path / n / 'iter_4.pth') for n in ('whole', 'run'))
    for key in ('state_dict', 'optimizer', 'ranks'):
        assert differences(whole[key], again[key]) == []


def test_rates_go_down_each_time_and_stay_down(toy_config, tmp_path):
    folder = tmp_path / 'run'
    _, hook = train(toy_config, folder, dict(type='GoBack', after=[3, 4]))
    # Twice from the same checkpoint, which has the lower rate the second time.
    assert hook.rates == pytest.approx([1e-3, 1e-3, 1e-3, 5e-4, 2.5e-4, 2.5e-4])
    _, hook = train(
        toy_config,
        folder,
        dict(type='GoBack', after=[1]),
        resume=True,
        cfg_options={'train_cfg.max_iters': 6},
    )
    assert hook.rates == pytest.approx([2.5e-4, 1.25e-4, 1.25e-4])


def test_a_checkpoint_that_is_not_finite_is_passed_over(toy_config, tmp_path, capsys):
    folder = tmp_path / 'run'
    train(toy_config, folder)
    checkpoint = load_checkpoint_file(folder / 'iter_4.pth')
    checkpoint['state_dict']['generator.body.5.bias'][0] = torch.nan
    torch.save(checkpoint, folder / 'iter_4.pth')
    runner, hook = train(
        toy_config,
        folder,
        dict(type='GoBack', after=[1]),
        resume=True,
        cfg_options={'train_cfg.max_iters': 5},
    )
    assert hook.done == 1 + 3  # the fifth, then the third to the fifth
    assert 'not finite, in generator.body.5.bias; trying the one' in capsys.readouterr().err
    assert all(p.isfinite().all() for p in runner.model.parameters())


def test_without_a_checkpoint_it_says_so(toy_config, tmp_path):
    with pytest.raises(ValueError, match=r'nothing to go back to: .*: none was saved'):
        train(toy_config, tmp_path / 'run', dict(type='GoBack', after=[1]))
