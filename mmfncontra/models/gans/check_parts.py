"""Parts of a GAN that do not go together."""

import inspect

from torch import nn

from ..heads.contrastive_discriminator import ContrastiveDiscriminator
from ..network_facts import in_size, out_size


def check_parts(gan: nn.Module) -> None:
    """Check that the losses of a GAN find what they need, before the first step.

    Args:
        gan: A ``LimitedDataGAN``, its parts built.

    Raises:
        ValueError: In one sentence, with the keys of the config and what would be right.
    """
    _check_slots(gan)
    _check_sizes(gan)
    _check_decoders(gan)
    _check_latents(gan)
    _check_second_gradients(gan)


def check_named(argument: str, configs: object) -> None:
    """Check that an argument is made of configs by name.

    Args:
        argument: Its name.
        configs: Its value.

    Raises:
        ValueError: If it is a single config, or no dict.
    """
    if configs and (not isinstance(configs, dict) or 'type' in configs):
        raise ValueError(
            f'{argument} must be configs by names of your choice, such as '
            f"{argument}=dict(mine=dict(type='…')), got {configs!r}"
        )


def _check_slots(gan: nn.Module) -> None:
    if not hasattr(gan.adversarial_loss, 'disc_loss'):
        raise ValueError(
            'adversarial_loss must be one such as HingeGANLoss or LogisticGANLoss, got '
            f'{_kind(gan.adversarial_loss)}'
        )
    for name, regulariser in gan.regularisers.items():
        if not hasattr(regulariser, 'penalty'):
            raise ValueError(
                f'regularisers.{name} must be a regulariser such as CHAIN or NICE, got '
                f'{_kind(regulariser)}; losses go into disc_auxiliary_losses'
            )
    # An augmentation takes images, a pseudo_real those of both kinds.
    for slot, num, example in (('augment', 1, 'DiffAugment or ADA'), ('pseudo_real', 2, 'APA')):
        part = getattr(gan, slot)
        if part is not None and len(inspect.signature(part.forward).parameters) != num:
            raise ValueError(f'{slot} must be one such as {example}, got {_kind(part)}')


def _check_sizes(gan: nn.Module) -> None:
    made, taken = out_size(gan.generator), in_size(gan.discriminator)
    if made and taken and made != taken:
        raise ValueError(
            f'generator makes images of {made} pixels, discriminator takes {taken}: they must be '
            'the same'
        )
    network = _without_head(gan.discriminator)
    ignored = getattr(network, 'takes_small_image', True) is False
    if ignored and getattr(gan.generator, 'to_small', None) is not None:
        # Its layer would get no gradient, which a distributed wrapper waits for.
        raise ValueError(
            f'{_kind(network)} does not look at the small image of {_kind(gan.generator)}: set '
            'model.generator.small=False'
        )


def _check_decoders(gan: nn.Module) -> None:
    reconstructs = gan.disc_auxiliary_losses.taking('reconstructions')
    has_decoders = getattr(gan.discriminator, 'has_decoders', False)
    if reconstructs and not has_decoders:
        raise ValueError(
            'disc_auxiliary_losses has a reconstruction loss, but discriminator '
            f'{_kind(gan.discriminator)} has no decoders'
        )
    if has_decoders and not reconstructs:
        # A distributed wrapper would wait for their gradients for ever.
        raise ValueError(
            'discriminator has decoders that no loss of disc_auxiliary_losses trains: '
            'set model.discriminator.decoders=False, or add a reconstruction loss'
        )


def _check_latents(gan: nn.Module) -> None:
    if gan.gen_auxiliary_losses.taking('latents') and not hasattr(gan.generator, 'w_avg'):
        raise ValueError(
            'gen_auxiliary_losses has a loss of latents, but generator '
            f'{_kind(gan.generator)} has none: take mmfncontra.StyleGAN2Generator'
        )


def _check_second_gradients(gan: nn.Module) -> None:
    penalties = gan.disc_auxiliary_losses.taking('raw_real')
    for name, regulariser in gan.regularisers.items():
        if penalties and not getattr(regulariser, 'differentiable_twice', True):
            raise ValueError(
                f'{_kind(penalties[0])} in disc_auxiliary_losses differentiates the discriminator '
                f'twice, which {_kind(regulariser)} as it is does not allow: set '
                f"model.regularisers.{name}.form='batch'"
            )


def _kind(part: nn.Module) -> str:
    """Class of a part, of a discriminator without its contrastive head."""
    return type(_without_head(part)).__name__


def _without_head(part: nn.Module) -> nn.Module:
    # Others may have a backbone too.
    return part.backbone if isinstance(part, ContrastiveDiscriminator) else part
