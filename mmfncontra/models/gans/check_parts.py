"""Parts of a GAN that do not go together."""

from torch import nn


def check_parts(gan: nn.Module) -> None:
    """Check that the losses of a GAN find what they need, before the first step.

    Args:
        gan: A ``LimitedDataGAN``, its parts built.

    Raises:
        ValueError: In one sentence, with the keys of the config and what would be right.
    """
    _check_decoders(gan)
    _check_latents(gan)
    _check_second_gradients(gan)


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
            f'{_kind(gan.generator)} has none: take StyleGAN2Generator'
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
    return type(getattr(part, 'backbone', part)).__name__
