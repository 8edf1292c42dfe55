"""The training step as the published code of FastGAN and FNContra takes it.

That code cannot be run here (its licence), so this is its arithmetic and its order, written anew
from the descriptions in the papers, with this package's networks: what makes a step faster is
undone. At 256 pixels, batch 4, it takes 803 GFLOP for FastGAN and 859 with FNContra by
torch.utils.flop_counter, which counts 805 and 861 of the published step.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.spectral_norm import SpectralNorm
from training_step import Step


class PublishedStep(Step):
    """A step without what this package does to be faster.

    * up-sampling and the convolution after it are two operations;
    * every pair of reconstruction and target passes VGG by itself;
    * the discriminator is not frozen in the generator's step, whose gradients of it are dropped;
    * the view and each level of negatives pass the discriminator one after the other;
    * real images and fakes are differentiated one after the other, and the host reads the logits;
    * spectral normalisation is torch's, Adam not fused, the average taken weight by weight;
    * nothing is guarded against steps that are not finite.

    Args: those of :class:`training_step.Step`.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        model = self.model
        networks = (model.generator, model.discriminator)
        for network in networks:
            _undo(network)
        self.optimisers = {
            name: torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999))
            for name, network in zip(('generator', 'discriminator'), networks, strict=True)
        }
        self.average = [p.detach().clone() for p in model.generator.parameters()]

    def __call__(self, iteration: int = 1) -> dict[str, Tensor]:
        """Train for one iteration."""
        from mmfncontra.models.gans.networks import augmented, detached

        model, size = self.model, self.batch
        real = model.data_preprocessor(self.data, True)['inputs']
        noise = torch.randn(size, model.noise_size, device=real.device)
        with self._precision():
            fake = augmented(model.augment, model.generator(noise))
            real = augmented(model.augment, real)
        prototypes = self._train_disc(real, detached(fake))
        return self._train_gen(fake, prototypes)

    def _train_disc(self, real: Tensor, fake: Sequence[Tensor]) -> object:
        from mmfncontra.models.gans import discriminate

        model, disc, contrast = self.model, self.model.discriminator, self.model.contrast
        disc.zero_grad()
        prototypes = None
        with self._precision():
            on_real = discriminate(
                disc, real, decode=True, embed=contrast is not None, prototypes=contrast is not None
            )
            loss = _hinge(on_real.logits, sign=1)
            loss = loss + sum(
                model.disc_auxiliary_losses['rec']([image], [target])
                for image, target in zip(on_real.reconstructions, on_real.targets, strict=True)
            )
            if contrast is not None:
                found, prototypes = contrast.disc_loss(
                    disc, real, on_real.embedding, on_real.prototypes
                )
                loss = loss + found['loss_dwcl']
        loss.backward()
        self._read(on_real.logits.mean())
        with self._precision():
            logits = discriminate(disc, fake).logits
            loss = _hinge(logits, sign=-1)
        loss.backward()
        self._read(logits.mean())
        self.optimisers['discriminator'].step()
        return prototypes

    def _train_gen(self, fake: Sequence[Tensor], prototypes: object) -> dict[str, Tensor]:
        from mmfncontra.models.gans import discriminate

        model = self.model
        model.generator.zero_grad()
        with self._precision():
            on_fake = discriminate(model.discriminator, fake, prototypes=prototypes is not None)
            loss = -on_fake.logits.float().mean()
            if prototypes is not None:
                loss = loss + model.contrast.gen_loss(on_fake.prototypes, prototypes)['loss_gwcl']
        loss.backward()
        self._read(loss)
        self.optimisers['generator'].step()
        for average, weight in zip(self.average, model.generator.parameters(), strict=True):
            average.mul_(0.999).add_(0.001 * weight.data)
        return dict(loss_gen=loss.detach())

    def _precision(self) -> torch.autocast:
        kind = torch.device(self.device).type
        return torch.autocast('cpu' if kind == 'meta' else kind, torch.bfloat16, self._autocasts)

    @property
    def _autocasts(self) -> bool:
        return self.precision == 'bfloat16'

    def _read(self, value: Tensor) -> None:
        if not value.is_meta:
            value.item()


def _hinge(logits: Tensor, sign: int) -> Tensor:
    logits = logits.float()
    margin = 0.8 + 0.2 * torch.rand_like(logits)
    return F.relu(margin - sign * logits).mean()


def _undo(network: nn.Module) -> None:
    """Take up-sampling, convolution and spectral normalisation one by one."""
    from mmfncontra.models.layers import LeanSpectralNorm, UpsampledConv2d

    for module in network.modules():
        if isinstance(module, UpsampledConv2d):
            module.forward = _upsample_first(module)
        for key, hook in module._forward_pre_hooks.items():
            if type(hook) is LeanSpectralNorm:
                module._forward_pre_hooks[key] = SpectralNorm(
                    hook.name, hook.n_power_iterations, hook.dim, hook.eps
                )


def _upsample_first(layer: nn.Conv2d) -> object:
    return lambda x: F.conv2d(F.interpolate(x, scale_factor=2), layer.weight, padding=1)
