import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import InfiniteSampler, pseudo_collate
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from mmfncontra.engine.hooks import RunDoctorHook, run_doctor_hook
from mmfncontra.models.gans import LimitedDataGAN

_names = itertools.count()


class Pictures(Dataset):
    """Images of which no two are alike."""

    def __init__(self, num: int) -> None:
        shape = (num, 3, 8, 8)
        self.images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return dict(inputs=torch.from_numpy(self.images[index]))


class Generator(nn.Module):
    noise_size, out_size = 8, 8

    def __init__(self, listens: bool = True) -> None:
        super().__init__()
        self.listens = listens
        self.body = nn.Linear(8, 3 * 64)

    def forward(self, noise: Tensor) -> Tensor:
        return self.body(noise * self.listens).view(-1, 3, 8, 8).tanh()


def discriminator(*last: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(192, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1), *last
    )


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Runner]:
    """Train a small GAN under a doctor's eyes, seeded; returns the runner that did."""

    def run(
        hook: RunDoctorHook | bool | None = None,
        *,
        num_images: int = 64,
        max_iters: int = 60,
        gen_lr: float = 1e-4,
        disc_lr: float = 1e-4,
        listens: bool = True,
        disc: nn.Module | None = None,
        optimizer: type = torch.optim.Adam,
        resume: str | None = None,
        **model: dict,
    ) -> Runner:
        torch.manual_seed(0)
        images = Pictures(num_images)
        gan = LimitedDataGAN(Generator(listens), disc or discriminator(), **model)
        runner = Runner(
            model=gan,
            work_dir=str(tmp_path),
            train_dataloader=DataLoader(
                images,
                batch_size=4,
                sampler=InfiniteSampler(images, seed=0),
                collate_fn=pseudo_collate,
            ),
            train_cfg=dict(by_epoch=False, max_iters=max_iters),
            optim_wrapper=OptimWrapperDict(
                generator=OptimWrapper(optimizer(gan.generator.parameters(), gen_lr)),
                discriminator=OptimWrapper(optimizer(gan.discriminator.parameters(), disc_lr)),
            ),
            default_hooks=dict(
                checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=20),
                sampler_seed=None,
            ),
            custom_hooks=[] if hook is False else [hook or doctor()],
            log_processor=dict(by_epoch=False),
            default_scope='mmengine',
            experiment_name=f'doctor_{next(_names)}',
            load_from=resume,
            resume=resume is not None,
        )
        torch.manual_seed(1)
        runner.train()
        return runner

    return run


def doctor(**arguments: int) -> RunDoctorHook:
    return RunDoctorHook(**{**dict(interval=10, window=20, gradient_interval=2), **arguments})


def said(work_dir: Path) -> list[dict]:
    path = work_dir / 'doctor.json'
    return json.loads(path.read_text()) if path.exists() else []


def last_said(work_dir: Path) -> set[str]:
    entries = said(work_dir)
    return {entry['verdict'] for entry in entries if entry['iteration'] == entries[-1]['iteration']}


def test_a_calm_run_is_healthy(run, tmp_path: Path) -> None:
    run()
    assert [(e['iteration'], e['verdict']) for e in said(tmp_path)] == [(20, 'healthy')]
    assert set(said(tmp_path)[0]) == {'iteration', 'verdict', 'message', 'advice'}


def test_a_fast_discriminator_of_four_images_overfits(run, tmp_path: Path) -> None:
    run(num_images=4, disc_lr=0.02)
    assert 'overfitting' in last_said(tmp_path)
    advice = next(e['advice'] for e in said(tmp_path) if e['verdict'] == 'overfitting')
    assert advice.startswith("model.augment=dict(type='DiffAugment'")


def test_a_generator_that_ignores_its_noise_collapsed(run, tmp_path: Path) -> None:
    run(listens=False)
    assert last_said(tmp_path) == {'collapse'}


def test_a_huge_learning_rate_explodes(run, tmp_path: Path) -> None:
    run(gen_lr=1e6, disc_lr=1e6, optimizer=torch.optim.SGD)
    assert last_said(tmp_path) == {'exploding'}
    assert said(tmp_path)[0]['iteration'] == 10


def test_an_ada_at_its_maximum_leaks(run, tmp_path: Path) -> None:
    run(augment=dict(type='mmfncontra.ADA', categories='bg', target=-0.99, initial=0.8))
    assert 'leaking' in last_said(tmp_path)


def test_a_saturated_discriminator_starves_the_generator(run, tmp_path: Path) -> None:
    loss = dict(type='mmfncontra.LogisticGANLoss')
    disc = discriminator(nn.Hardtanh(-4, 4))  # beyond, it has no slope
    run(disc=disc, num_images=4, disc_lr=4e-3, max_iters=120, adversarial_loss=loss)
    assert 'starved' in {entry['verdict'] for entry in said(tmp_path)}


def test_a_discriminator_that_cannot_learn_is_weak(run, tmp_path: Path) -> None:
    disc = discriminator()
    for parameter in disc[-1].parameters():
        nn.init.zeros_(parameter)
    run(disc=disc, disc_lr=0.0)
    assert last_said(tmp_path) == {'weak'}


def test_says_a_verdict_again_only_after_a_while(run, tmp_path: Path) -> None:
    run(doctor(repeat=3), listens=False, max_iters=75)
    collapses = [e['iteration'] for e in said(tmp_path) if e['verdict'] == 'collapse']
    assert collapses == [30, 60]
    # At the end it looks once more; what changes is said at once.
    assert [e['verdict'] for e in said(tmp_path)] == ['healthy', 'collapse', 'collapse']


def test_looks_at_the_end(run, tmp_path: Path) -> None:
    runner = run(doctor(interval=1000), max_iters=25)
    assert [e['iteration'] for e in said(tmp_path)] == [25]
    assert 'train/grad_norm_generator' in runner.message_hub.log_scalars
    for wrapper in runner.optim_wrapper.values():
        assert not wrapper.optimizer._optimizer_step_pre_hooks


def test_a_resumed_run_keeps_what_was_said_and_measured(run, tmp_path: Path) -> None:
    run(listens=False, max_iters=45)
    first = said(tmp_path)
    assert [e['iteration'] for e in first] == [20, 30]
    checkpoint = str(tmp_path / 'iter_40.pth')
    runner = run(doctor(repeat=2), listens=False, max_iters=60, resume=checkpoint)
    assert said(tmp_path)[:2] == first
    assert [(e['iteration'], e['verdict']) for e in said(tmp_path)[2:]] == [(50, 'collapse')]
    logged = runner.message_hub.log_scalars
    assert len(logged['train/diversity_ratio'].data[0]) == 6
    assert len(logged['train/grad_norm_generator'].data[0]) == 30


def test_a_resumed_run_drops_what_lies_ahead(run, tmp_path: Path) -> None:
    run(listens=False, max_iters=40)
    run(doctor(interval=1000), listens=False, max_iters=21, resume=str(tmp_path / 'iter_20.pth'))
    assert said(tmp_path)[0]['iteration'] == 20
    assert all(e['iteration'] <= 21 for e in said(tmp_path))


@pytest.mark.parametrize('content', ['[{"iteration": 2', '{"iteration": 2}', '[{}]', '[2]'])
def test_an_unreadable_file_stops_nothing(run, tmp_path: Path, content: str) -> None:
    (tmp_path / 'doctor.json').write_text(content)
    run(max_iters=20)
    assert [e['verdict'] for e in said(tmp_path)] == ['healthy']


def test_training_is_the_same_with_and_without(run) -> None:
    arguments = dict(
        augment=dict(type='mmfncontra.DiffAugment'), ema_config=dict(momentum=0.1), max_iters=12
    )
    watched = run(doctor(interval=2), **arguments).model.state_dict()
    plain = run(False, **arguments).model.state_dict()
    for name, value in plain.items():
        assert torch.equal(value, watched[name]), name


def test_gradient_norms_are_those_of_the_step(run) -> None:
    seen = []

    class Recorder(torch.optim.SGD):
        def step(self, closure: None = None) -> None:
            grads = [p.grad.flatten() for p in self.param_groups[0]['params']]
            seen.append(torch.cat(grads).norm().item())
            super().step(closure)

    hub = run(doctor(gradient_interval=1), max_iters=10, optimizer=Recorder).message_hub
    logged = [
        hub.get_scalar(f'train/grad_norm_{name}').data[0] for name in ('discriminator', 'generator')
    ]
    assert np.allclose(np.stack(logged, 1).ravel(), seen, rtol=1e-5)


def test_other_ranks_do_nothing(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_doctor_hook, 'is_main_process', lambda: False)
    run(listens=False)
    assert said(tmp_path) == []


def test_what_guessing_costs_is_that_of_the_loss(run) -> None:
    hinge, logistic = (
        run_doctor_hook._chance(LimitedDataGAN(Generator(), discriminator(), **arguments), 0)
        for arguments in ({}, dict(adversarial_loss=dict(type='mmfncontra.LogisticGANLoss')))
    )
    assert hinge == pytest.approx(1.8, abs=0.02)
    assert logistic == pytest.approx(1.3863, abs=1e-4)


@pytest.mark.parametrize('name', ['interval', 'window', 'num_images', 'gradient_interval'])
def test_arguments(name: str) -> None:
    with pytest.raises(ValueError, match=f'{name} must be'):
        RunDoctorHook(**{name: 0})
