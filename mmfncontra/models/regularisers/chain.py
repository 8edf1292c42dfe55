"""CHAIN: Lipschitz-constrained normalisation of a discriminator trained on few images."""

from collections.abc import Sequence

from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_not_negative, check_positive

from ..layers import AdaptiveStrength, ChainNorm


@MODELS.register_module()
class CHAIN(nn.Module):
    r"""Puts :class:`ChainNorm` layers into a discriminator and keeps their inputs' means near zero.

    The layers normalise with probability p, and the discriminator's loss gets

    .. math::
        L_{0MR} = \lambda (p + \lambda_0) \sum_{layers} \sum_c (\operatorname{mean}_{b,h,w} x_c)^2,

    summed over its passes of real and of generated images. Once per iteration

    .. math::
        e \leftarrow m\, e + (1 - m)\, E[\operatorname{sign} D(x_{real})], \qquad
        p \leftarrow \operatorname{clip}(p + \delta \operatorname{sign}(e - \tau), 0, 1).

    The layers take the places that the discriminator offers in ``norm_slots``, a dict of channels
    by the name of an ``nn.Identity``; a discriminator without them gives up every BatchNorm outside
    its decoders.

    Source: Ni & Koniusz, CVPR 2024, arXiv 2404.00521.

    Args:
        form: ``'cumulative'``, statistics from running averages, or ``'batch'``, from the batch.
            Gradient penalties such as R1 need ``'batch'``.
        weight: :math:`\lambda`, positive.
        offset: :math:`\lambda_0`, 0 or more; the paper takes 0.1 for some 150 images or fewer, else
            0.
        target: :math:`\tau`, in (-1, 1).
        step: :math:`\delta`, positive.
        momentum: m, in [0, 1).
        decay: Of the layers' running averages, in [0, 1).

    Raises:
        ValueError: If an argument is out of its range.

    Attributes:
        strength: The :class:`AdaptiveStrength` that holds p and e.

    Example:
        >>> import torch
        >>> discriminator = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        >>> chain = CHAIN()
        >>> chain.attach(discriminator)
        >>> discriminator[1]
        ChainNorm(4, form='cumulative', decay=0.9, eps=1e-05)
        >>> images = torch.rand(2, 3, 8, 8)
        >>> chain.enter('real')
        >>> _ = discriminator(images)
        >>> chain.penalty(discriminator, images)['loss_0mr'].shape
        torch.Size([])
    """

    def __init__(
        self,
        form: str = 'cumulative',
        weight: float = 20.0,
        offset: float = 0.1,
        target: float = 0.5,
        step: float = 0.001,
        momentum: float = 0.9,
        decay: float = 0.9,
    ) -> None:
        super().__init__()
        check_positive(weight=weight)
        check_not_negative(offset=offset)
        ChainNorm(1, form, decay)  # refuses what its layers would refuse
        self.form, self.weight, self.offset, self.decay = form, weight, offset, decay
        self.strength = AdaptiveStrength(target, step=step, momentum=momentum)
        # A tuple does not register the layers: they belong to the discriminator, buffers and all.
        self._layers: tuple[ChainNorm, ...] = ()
        self._stream: str | None = None

    @property
    def differentiable_twice(self) -> bool:
        """Whether gradient penalties can be taken through the layers."""
        return self.form == 'batch'

    def attach(self, discriminator: nn.Module, in_size: int | None = None) -> None:
        """Put the layers in place.

        Args:
            discriminator: The bare discriminator; changed in place.
            in_size: Not used.

        Raises:
            ValueError: If it has neither ``norm_slots`` nor a BatchNorm outside its decoders, or a
                slot is no ``nn.Identity``.
        """
        places = getattr(discriminator, 'norm_slots', None) or _batch_norms(discriminator)
        if not places:
            raise ValueError(
                f'CHAIN finds no place in {type(discriminator).__name__}: it needs a discriminator '
                'with norm_slots, such as FastGANBigDiscriminator, or with nn.BatchNorm2d layers, '
                'such as FastGANDiscriminator'
            )
        for name in getattr(discriminator, 'norm_slots', ()):
            slot = discriminator.get_submodule(name)
            if type(slot) is not nn.Identity:
                raise ValueError(
                    f'norm_slots of {type(discriminator).__name__} must name nn.Identity '
                    f'submodules, got {name!r}, which is a {type(slot).__name__}'
                )
        layers = []
        for name, channels in places.items():
            parent, _, child = name.rpartition('.')
            layer = ChainNorm(channels, self.form, self.decay)
            layer.to(next(discriminator.parameters()).device)
            setattr(discriminator.get_submodule(parent), child, layer)
            layers.append(layer)
        self._layers = tuple(layers)

    def enter(self, stream: str) -> None:
        """Tell the layers which pass follows.

        Args:
            stream: ``real`` or ``fake`` in the discriminator's step, ``generator`` in the
                generator's.
        """
        self._stream = stream
        for layer in self._layers:
            layer.enter(stream, self.strength.value)

    def penalty(
        self, discriminator: nn.Module, images: Tensor | Sequence[Tensor], **kwargs: object
    ) -> dict[str, Tensor]:
        """Zero-mean regularisation (0MR) of the pass just made, in the discriminator's step.

        Args:
            discriminator: Not used: the layers have measured the pass.
            images: Not used.
            **kwargs: Not used.

        Returns:
            ``loss_0mr``, a scalar; nothing in the generator's step.

        Raises:
            RuntimeError: If the layers have seen no pass.
        """
        terms = [term for layer in self._layers for term in layer.pop_zero_mean()]
        if self._stream == 'generator':
            return {}
        if not terms:
            raise RuntimeError(
                'CHAIN has measured no pass: attach it to the discriminator, and enter each stream '
                'before its pass in training mode with gradients'
            )
        return dict(loss_0mr=self.weight * (self.strength.value + self.offset) * sum(terms))

    def observe(self, sign_mean: Tensor, num_images: int) -> dict[str, Tensor]:
        """Move p, after the discriminator's step.

        Args:
            sign_mean: Mean sign of the logits of real images over all ranks, ().
            num_images: Real images behind it.

        Returns:
            ``p_chain``, p in [0, 1], ().
        """
        self.strength.observe(sign_mean, num_images)
        return dict(p_chain=self.strength.value.detach().clone())


def _batch_norms(discriminator: nn.Module) -> dict[str, int]:
    """Channels by name of each BatchNorm; decoders, which only reconstruct, keep theirs."""
    return {
        name: module.num_features
        for name, module in discriminator.named_modules()
        if isinstance(module, nn.BatchNorm2d) and not name.startswith('decoder')
    }
