"""A GAN small enough to train in a test, and a runner for it."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import InfiniteSampler, pseudo_collate
from mmengine.hooks import Hook
from mmengine.model import BaseModel, ExponentialMovingAverage, ImgDataPreprocessor
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from toy_gan import ToyGenerator

_names = itertools.count()


class TinyImages(Dataset):
    """Random images; flipped at random with numpy, as a data pipeline does."""

    def __init__(self) -> None:
        self.images = np.random.default_rng(0).integers(0, 256, (6, 3, 8, 8), dtype=np.uint8)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        image = torch.from_numpy(self.images[index])
        return dict(inputs=image.flip(-1) if np.random.rand() < 0.5 else image)


class TinyGAN(BaseModel):
    noise_size = 4

    def __init__(self, ema: bool = True) -> None:
        super().__init__(data_preprocessor=ImgDataPreprocessor(mean=[127.5] * 3, std=[127.5] * 3))
        self.generator = ToyGenerator(noisy=True)
        self.generator_ema = ExponentialMovingAverage(self.generator) if ema else None
        self.contrast = None
        self.augment = None

    def train_step(self, data: dict, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        real = self.data_preprocessor(data, True)['inputs']
        fake = self.generator(torch.randn(len(real), 4))[0]
        loss = (fake - real).square().mean()
        optim_wrapper.update_params(loss)
        if self.generator_ema is not None:
            self.generator_ema.update_parameters(self.generator)
        return dict(loss_gen=loss.detach(), loss_disc=-loss.detach(), loss_rec=loss.detach())

    def forward(self, inputs: Tensor, data_samples: list | None = None, mode: str = '') -> None:
        raise NotImplementedError


class StartAt(Hook):
    """Stands in for a resume: the loop counts on from an iteration."""

    priority = 'HIGHEST'

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def before_train(self, runner: Runner) -> None:
        runner.train_loop._iter = self.iteration


@pytest.fixture
def tiny_gan() -> type[TinyGAN]:
    return TinyGAN


@pytest.fixture
def tiny_images() -> np.ndarray:
    """What the data set of ``train`` holds before its flips, (6, 8, 8, 3)."""
    return TinyImages().images.transpose(0, 2, 3, 1)


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Runner]:
    """Train a TinyGAN with the given hooks, seeded; returns the runner that did."""

    def train(
        *hooks: Hook,
        max_iters: int = 4,
        start_at: int = 0,
        model: nn.Module | None = None,
        **kwargs,
    ) -> Runner:
        torch.manual_seed(0)
        model = TinyGAN() if model is None else model
        images = TinyImages()
        optimizer = torch.optim.SGD(model.generator.parameters(), lr=0.1)
        runner = Runner(
            model=model,
            work_dir=str(tmp_path),
            train_dataloader=DataLoader(
                images,
                batch_size=2,
                sampler=InfiniteSampler(images, seed=0),
                collate_fn=pseudo_collate,
            ),
            train_cfg=dict(by_epoch=False, max_iters=max_iters),
            optim_wrapper=OptimWrapper(optimizer),
            default_hooks=dict(checkpoint=None, sampler_seed=None, **kwargs),
            custom_hooks=[*hooks, StartAt(start_at)],
            log_processor=dict(by_epoch=False),
            default_scope='mmengine',
            experiment_name=f'hooks_{next(_names)}',
        )
        np.random.seed(0)
        torch.manual_seed(0)
        runner.train()
        return runner

    return train
