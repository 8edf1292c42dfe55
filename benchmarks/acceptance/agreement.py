"""Whole training steps, and some of their parts, on the GPU against the same on the CPU.

In float32 without TensorFloat-32, with the same weights, images and random numbers. In a dry run
the CPU with oneDNN's kernels against the CPU with torch's own.
"""

import contextlib
import random
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from training_step import Step

from .host_draws import HostDraws
from .lazy import SMALL
from .run import Run

TOLERANCE = 1e-3
# Gradients are what is compared; Adam's first step would turn one near 0 into a whole step.
_PLAIN = {
    f'optim_wrapper.{network}.optimizer': dict(_delete_=True, type='SGD', lr=1e-4)
    for network in ('generator', 'discriminator')
}
_NARROW = {'model.generator.base_channels': 4, 'model.discriminator.base_channels': 4}
# Sizes that a CPU beside the GPU takes some seconds for.
_ADA = {
    'model.augment.initial': 0.8,
    'model.generator.out_size': 32,
    'model.discriminator.in_size': 32,
}

Named = dict[str, Tensor]


def check(run: Run) -> None:
    """Compare part by part, the whole steps last."""
    from mmfncontra.engine.machine_settings import apply_settings

    apply_settings(dict(tf32=False))
    small = run.dry
    parts: dict[str, Callable[[str], Named]] = {
        'negatives': negatives,
        'ADA': augmentation,
        'resampling': resampling,
        'fused Adam': optimiser,
        'generator': generator,
        'discriminator': discriminator,
        'StyleGAN2 discriminator': lambda device: stylegan2(device, 8 if small else 32),
        'step of FastGAN with FNContra': lambda device: golden_step(
            'configs/fncontra/fastgan_64.py', device, 2 if small else 4, _NARROW if small else {}
        ),
        'step of StyleGAN2-ADA with FNContra': lambda device: golden_step(
            'configs/fncontra/stylegan2-ada_64.py', device, 4, _ADA | (SMALL if small else {})
        ),
    }
    for name, part in parts.items():
        try:
            compare(run, name, part)
        except Exception as error:  # the next part may be fine
            run.failed(error, part=name)


def compare(run: Run, name: str, part: Callable[[str], Named]) -> None:
    """Say how far the results of a part are apart, relative to their norms."""
    other = torch.backends.mkldnn.flags(enabled=False, allow_tf32=None)
    with other if run.dry else contextlib.nullcontext():
        theirs = part('cpu')
    ours = part(run.device)
    # Since it was seeded the device's generator must not have moved, or the two have had other
    # numbers.
    strayed = run.device == 'cuda' and torch.cuda.default_generators[0].get_offset() > 0
    errors = {key: relative_error(ours[key], value) for key, value in theirs.items()}
    worst = sorted(errors, key=errors.get, reverse=True)[:8]
    run.emit(
        part=name,
        fine=not strayed and all(error < TOLERANCE for error in errors.values()),
        compared=len(errors),
        errors={key: float(f'{errors[key]:.3g}') for key in worst},
        **(dict(error='the device has drawn numbers itself') if strayed else {}),
    )


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Norm of the difference over the norm of what is expected."""
    found, expected = (value.detach().cpu().double() for value in (found, expected))
    return float((found - expected).norm() / expected.norm().clamp_min(1e-12))


@contextlib.contextmanager
def _seeded(seed: int = 0) -> object:
    """The same random numbers on any device."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    with HostDraws():
        yield


def _gradients(network: nn.Module, loss: Tensor) -> Tensor:
    """Those of all weights, one after the other."""
    weights = [p for p in network.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(loss, weights, allow_unused=True)
    return torch.cat([gradient.flatten() for gradient in gradients if gradient is not None])


def _images(device: str, size: int = 64) -> Tensor:
    return (torch.rand(4, 3, size, size) * 2 - 1).to(device)


def golden_step(config: str, device: str, batch: int, changes: dict) -> Named:
    """Losses and gradients of a step in which all penalties are due."""
    options = {'model.accelerate': None, 'model.channels_last': False}
    step = Step(config, batch, device, changes={**changes, **options, **_PLAIN})
    found: Named = {}

    def keep(name: str, network: nn.Module) -> Callable:
        def hook(*_: object) -> None:
            for key, weight in network.named_parameters():
                if weight.grad is not None:
                    found[f'{name}.{key}'] = weight.grad.clone()

        return hook

    for name, wrapper in step.optimisers.items():
        network = getattr(step.model, name)
        wrapper.optimizer.register_step_pre_hook(keep(name, network))
    with _seeded():
        losses = step(0)
    by_network = {
        f'gradient of the {name}': torch.cat(
            [value.flatten() for key, value in found.items() if key.startswith(f'{name}.')]
        )
        for name in step.optimisers.keys()  # noqa: SIM118  (it iterates by number)
    }
    return {k: v for k, v in losses.items() if k.startswith('loss')} | by_network


def negatives(device: str) -> Named:
    """Negatives of all levels."""
    from mmfncontra.models.wavelets import FrequencyNegatives

    with _seeded():
        return FrequencyNegatives(levels=4)(_images(device))


def augmentation(device: str) -> Named:
    """ADA with its colours, and its gradient."""
    from mmfncontra.models.augments import ADA

    with _seeded():
        images = _images(device).requires_grad_()
        augmented = ADA('bgc', initial=0.8).to(device)(images)
        (gradient,) = torch.autograd.grad(augmented.square().sum(), images)
    return dict(images=augmented, gradient=gradient)


def resampling(device: str) -> Named:
    """StyleGAN2's resampling in either direction, and the gradient of its gradient."""
    from mmfncontra.compat.stylegan_ops import upfirdn2d

    with _seeded():
        images = _images(device).requires_grad_()
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], device=device)
    up = upfirdn2d(images, taps, up=2, padding=(2, 1))
    down = upfirdn2d(images, taps, down=2, padding=1)
    (first,) = torch.autograd.grad(up.pow(3).sum(), images, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), images)
    return dict(up=up, down=down, first=first, second=second)


def optimiser(device: str) -> Named:
    """Some steps of fused Adam."""
    with _seeded():
        weight = nn.Parameter(torch.randn(64, 64, device=device))
        adam = torch.optim.Adam([weight], lr=0.01, betas=(0.5, 0.999), fused=True)
        for _ in range(3):
            weight.grad = torch.randn(64, 64, device=device)
            adam.step()
    return dict(weight=weight, **{k: v for k, v in adam.state[weight].items() if k != 'step'})


def generator(device: str) -> Named:
    """FastGAN's generator in training mode."""
    from mmfncontra.models.archs import FastGANGenerator

    torch.manual_seed(1)
    network = FastGANGenerator(64, 16).to(device).train()
    with _seeded():
        large, small = network(torch.randn(4, 256, device=device))
    return dict(large=large, small=small, gradient=_gradients(network, large.square().mean()))


def discriminator(device: str) -> Named:
    """FastGAN's discriminator with its decoders, and a second derivative."""
    from mmfncontra.models.archs import FastGANDiscriminator

    torch.manual_seed(1)
    network = FastGANDiscriminator(64, 16).to(device).train()
    with _seeded():
        images = _images(device).requires_grad_()
    logits, decoded, _ = network(images, decode=True, quadrant=2)
    (slope,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    terms: Sequence[Tensor] = [logits, *decoded]
    loss = sum(term.square().mean() for term in terms) + slope.square().sum()
    return dict(logits=logits, slope=slope, gradient=_gradients(network, loss))


def stylegan2(device: str, size: int) -> Named:
    """R1 of StyleGAN2's discriminator."""
    import mmfncontra.models.gans
    from mmfncontra.registry import MODELS

    assert mmfncontra.models.gans  # prepares mmagic
    torch.manual_seed(1)
    config = dict(type='mmagic.StyleGAN2Discriminator', in_size=size)
    network = MODELS.build(config).to(device).train()
    with _seeded():
        images = _images(device, size).requires_grad_()
    logits = network(images)
    (slope,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    penalty = slope.square().sum()
    return dict(logits=logits, penalty=penalty, gradient=_gradients(network, penalty))
