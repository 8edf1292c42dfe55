"""A small GAN whose losses and gradients are not finite when a test wants it."""

import torch
from torch import Tensor, nn
from toy_gan import ToyGenerator

from mmfncontra.models.gans import LimitedDataGAN
from mmfncontra.models.losses import HingeGANLoss
from mmfncontra.utils.unwrap import unwrap


class Fault(nn.Module):
    """Adds to a loss what spoils the loss, or its gradient only, and nothing otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.kind = ''

    def forward(self, loss: Tensor) -> Tensor:
        if self.kind in ('nan', 'inf'):
            return loss + float(self.kind)  # the gradient is as it was
        if self.kind == 'gradient':
            return loss + (loss * 0).sqrt()  # 0, with a slope of NaN
        if self.kind == 'overflow':
            return loss * 1e37
        return loss


class FaultyLoss(HingeGANLoss):
    def __init__(self) -> None:
        super().__init__()
        self.disc, self.gen = Fault(), Fault()

    def disc_loss(self, real, fake):
        losses = super().disc_loss(real, fake)
        return losses | dict(loss_real=self.disc(losses['loss_real']))

    def gen_loss(self, fake):
        return dict(loss_adv=self.gen(super().gen_loss(fake)['loss_adv']))


class Discriminator(nn.Module):
    in_size = 8

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.utils.spectral_norm(nn.Conv2d(3, 4, 8))
        self.norm = nn.BatchNorm1d(4)
        self.last = nn.Linear(4, 1)

    def forward(self, x):
        x = x[0] if isinstance(x, list) else x
        return self.last(self.norm(self.conv(x).flatten(1)))


def build(**changes) -> LimitedDataGAN:
    """The GAN, seeded."""
    torch.manual_seed(0)
    parts = dict(
        augment=dict(type='mmfncontra.ADA', categories='noise', interval=1, ada_kimg=0.01),
        disc_auxiliary_losses=dict(lecam=dict(type='mmfncontra.LeCamLoss', warmup=0)),
        ema_config=dict(momentum=0.1),
    )
    if 'generator' not in changes:
        parts |= dict(generator=ToyGenerator(), discriminator=Discriminator())
    model = LimitedDataGAN(**(parts | changes)).train()
    model.adversarial_loss = FaultyLoss()
    return model


def step(model, optim, iteration, disc='', gen=''):
    """The step of an iteration, which draws and sees what no other does."""
    losses = unwrap(model).adversarial_loss
    losses.disc.kind, losses.gen.kind = disc, gen
    torch.manual_seed(iteration)
    size = unwrap(model).generator.out_size if hasattr(model, 'generator') else 8
    images = torch.randint(0, 256, (4, 3, size, size), dtype=torch.uint8)
    return model.train_step(dict(inputs=images), optim)


def state(model, optim):
    """Copies of everything that a step may change, by name."""
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    for network, wrapper in optim.items():
        names = {id(p): name for name, p in getattr(model, network).named_parameters()}
        for parameter, values in wrapper.optimizer.state.items():
            for key, value in values.items():
                tensors[f'{network}.{names[id(parameter)]}.{key}'] = value
    return {name: value.detach().clone() for name, value in tensors.items()}


def changed(before, after):
    """Names of what differs; state that is new counts if it is not 0."""
    return [
        name
        for name, value in after.items()
        if not torch.equal(value, before.get(name, torch.zeros_like(value)))
    ]
