"""The losses of a training step, without its optimisers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from mmengine.logging import MessageHub
from torch import Tensor, nn

from mmfncontra.utils.unwrap import unwrap

from ..contrasts import Prototypes
from .acceleration import uncompiled
from .discriminate import DiscriminatorOutput, discriminate
from .networks import Images, augmented
from .sampling_gan import SamplingGAN


@dataclass
class DiscriminatorLosses:
    """What the discriminator's step minimises.

    Attributes:
        losses: Scalars with gradient by name, ``loss_real``, ``loss_rec``, ``loss_dwcl`` …; their
            sum is minimised.
        on_real: What the discriminator says of the augmented real images, with gradient.
        prototypes: The contrast's, for the generator's losses; ``None`` without GWCL.
    """

    losses: dict[str, Tensor]
    on_real: DiscriminatorOutput
    prototypes: Prototypes | None


class StepLosses(SamplingGAN):
    """The losses of both networks, from the parts that the inheriting GAN is put together of.

    They are there by themselves for who looks at single terms, such as a diagnosis of gradients.
    """

    _decoder_parameters: Sequence[nn.Parameter] = ()
    _steps = 0

    def disc_losses(self, real: Tensor, fake: Images, **kwargs: Tensor) -> DiscriminatorLosses:
        """Compute the discriminator's losses; buffers move on as in a step.

        Args:
            real: Real images before augmentation, (B, 3, S, S) in [-1, 1].
            fake: Augmented generated images without gradient.
            **kwargs: ``label`` of a class-conditional GAN.

        Returns:
            The losses, and what they were computed from.
        """
        contrast, prototypes = self.contrast, None
        due = self._due_in_disc()
        decode = bool(self.disc_auxiliary_losses.taking('reconstructions', due))
        raw_real = real
        twice = bool(self.disc_auxiliary_losses.taking('raw_real', due))
        if twice:
            raw_real = real.detach().requires_grad_()
        with uncompiled(self.discriminator, twice):
            real = augmented(self.augment, raw_real)
            self._enter('real')
            on_real = discriminate(
                self.discriminator,
                real,
                decode=decode,
                embed=contrast is not None and contrast.embeds,
                prototypes=contrast is not None and contrast.uses_prototypes,
                **kwargs,
            )
            penalties = self._penalties(self.discriminator, real, **kwargs)
            self._enter('fake')
            fake_logits = discriminate(self.discriminator, fake, **kwargs).logits
            for name, value in self._penalties(self.discriminator, fake, **kwargs).items():
                penalties[name] = penalties[name] + value if name in penalties else value
            losses = self.adversarial_loss.disc_loss(on_real.logits, fake_logits) | penalties
            losses |= self.disc_auxiliary_losses(
                due,
                dict(
                    real=real,
                    fake=fake,
                    real_logits=on_real.logits,
                    fake_logits=fake_logits,
                    reconstructions=on_real.reconstructions,
                    targets=on_real.targets,
                    raw_real=raw_real,
                ),
            )
            if contrast is not None:
                self._enter('real')
                contrast_losses, prototypes = contrast.disc_loss(
                    self.discriminator,
                    real.detach(),
                    on_real.embedding,
                    on_real.prototypes,
                    **kwargs,
                )
                losses |= contrast_losses
            if self._decoder_parameters and not decode:
                losses = with_zero_gradient(losses, self._decoder_parameters)
        return DiscriminatorLosses(losses, on_real, prototypes)

    def gen_losses(
        self, fake: Images, prototypes: Prototypes | None, **kwargs: Tensor
    ) -> dict[str, Tensor]:
        """Compute the generator's losses.

        Args:
            fake: Augmented generated images with gradient.
            prototypes: Those of :meth:`disc_losses`.
            **kwargs: ``label`` of a class-conditional GAN.

        Returns:
            Scalars with gradient by name; their sum is minimised.
        """
        # Not through the distributed wrapper: it would wait for gradients of frozen parameters.
        discriminator = unwrap(self.discriminator)
        due = self._due_in_gen()
        self._enter('generator')
        on_fake = discriminate(discriminator, fake, prototypes=prototypes is not None, **kwargs)
        losses = self.adversarial_loss.gen_loss(on_fake.logits)
        losses |= self._penalties(discriminator, fake, **kwargs)
        tensors = dict(fake=fake, fake_logits=on_fake.logits)
        for loss in self.gen_auxiliary_losses.taking('latents', due):
            tensors |= self._path_tensors(on_fake.logits, loss)
        losses |= self.gen_auxiliary_losses(due, tensors)
        if prototypes is not None:
            losses |= self.contrast.gen_loss(on_fake.prototypes, prototypes)
        return losses

    def _due_in_disc(self) -> list[str]:
        return self.disc_auxiliary_losses.due(self._iteration)

    def _due_in_gen(self) -> list[str]:
        return self.gen_auxiliary_losses.due(self._iteration)

    @property
    def _iteration(self) -> int:
        # Without mmengine's RuntimeInfoHook nobody tells.
        return MessageHub.get_current_instance().get_info('iter', self._steps)

    def _path_tensors(self, logits: Tensor, loss: nn.Module) -> dict[str, Tensor]:
        num = max(1, len(logits) // loss.batch_shrink)
        noise = torch.randn(num, self.noise_size, device=logits.device)
        with uncompiled(self.generator):
            images, latents = self.generator(noise, return_latents=True)
        return dict(path_images=images, latents=latents)

    def _enter(self, stream: str) -> None:
        for regulariser in self.regularisers.values():
            regulariser.enter(stream)

    def _penalties(
        self, discriminator: nn.Module, images: Images, **kwargs: Tensor
    ) -> dict[str, Tensor]:
        """What regularisers say of the pass that has just been made."""
        losses: dict[str, Tensor] = {}
        for regulariser in self.regularisers.values():
            losses |= regulariser.penalty(discriminator, images, **kwargs)
        return losses


def with_zero_gradient(
    losses: Mapping[str, Tensor], parameters: Sequence[nn.Parameter]
) -> dict[str, Tensor]:
    """Losses of the same values that give parameters out of use a gradient, of zeros.

    A distributed wrapper waits for one of every parameter, and Adam's averages go on as they do for
    the parameters that a lazy loss shares with others.

    Args:
        losses: Scalars by name, one or more.
        parameters: What no loss depends on in this step.

    Returns:
        The losses, the first one with a term of 0.
    """
    first, *others = losses
    idle = 0.0 * sum(parameter.sum() for parameter in parameters)
    return {first: losses[first] + idle} | {name: losses[name] for name in others}
