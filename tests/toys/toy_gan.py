"""The smallest GAN that trains: parts for configs of the tests."""

import torch
from mmengine.dataset import BaseDataset
from mmengine.model import BaseModel
from torch import nn

from mmfncontra.registry import DATASETS, MODELS


@MODELS.register_module()
class ToyGenerator(nn.Module):
    """Has what may be disturbed: BatchNorm, spectral norm and, if noisy, draws of its own."""

    out_size = 8

    def __init__(self, noise_size: int = 4, width: int = 8, noisy: bool = False) -> None:
        super().__init__()
        self.noise_size = noise_size
        self.noisy = noisy
        self.body = nn.Sequential(
            nn.utils.spectral_norm(nn.Linear(noise_size, width * 16)),
            nn.Unflatten(1, (width, 4, 4)),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(width, 3, 3, padding=1),
        )

    def forward(self, noise):
        image = self.body(noise)
        if self.noisy:
            image = image + 0.1 * torch.randn(len(image), 1, *image.shape[2:])
        return [image, image[:, :, ::2, ::2]]


@MODELS.register_module()
class ToyDiscriminator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 1, 8)

    def forward(self, x):
        return self.body(x).flatten(1)


@MODELS.register_module()
class ToyGAN(BaseModel):
    def __init__(self, generator, discriminator, slope: float = 0.2, **kwargs) -> None:
        super().__init__(**kwargs)
        self.slope = slope
        self.generator = MODELS.build(generator)
        self.discriminator = MODELS.build(discriminator)

    def forward(self, inputs):
        return inputs

    def train_step(self, data, optim_wrapper):
        real = torch.stack(list(data['inputs'])).float() / 127.5 - 1
        noise = torch.randn(len(real), 4)
        with optim_wrapper['generator'].optim_context(self.generator):
            fake = self.generator(noise)[0]
        with optim_wrapper['discriminator'].optim_context(self.discriminator):
            loss_disc = (self.discriminator(fake.detach()) - self.discriminator(real)).mean()
        optim_wrapper['discriminator'].update_params(loss_disc)
        with optim_wrapper['generator'].optim_context(self.generator):
            loss_gen = -self.discriminator(fake).mean()
        optim_wrapper['generator'].update_params(loss_gen)
        # Or the next step would take in what this one left in the discriminator.
        optim_wrapper['discriminator'].zero_grad()
        return dict(loss_disc=loss_disc.detach(), loss_gen=loss_gen.detach())


@DATASETS.register_module()
class ToyImages(BaseDataset):
    """Eight images; with a ``data_root``, for the tests that only look at the config."""

    def __init__(self, data_root: str | None = None, size: int = 8) -> None:
        self.size = size
        super().__init__(data_root=data_root)

    def load_data_list(self):
        return [dict(seed=seed) for seed in range(8)]

    def prepare_data(self, idx):
        random = torch.Generator().manual_seed(idx)
        size = (3, self.size, self.size)
        return dict(inputs=torch.randint(256, size, dtype=torch.uint8, generator=random))


@DATASETS.register_module()
class ToyDrawings(ToyImages):
    """Images that come from no folder."""

    def __init__(self, size: int = 8) -> None:
        super().__init__(size=size)
