"""Noise-modulated consistency regularisation of the discriminator."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_positive
from mmfncontra.utils.precision import widen

from ..layers import AdaptiveStrength
from ..network_facts import image_size
from ..taps import find_stages, find_submodules

Images = Tensor | Sequence[Tensor]


@MODELS.register_module()
class NICE(nn.Module):
    r"""Noise on the discriminator's features, and a penalty on what the noise does to them.

    The output h of every chosen layer is modulated with noise drawn anew at every pass,

    .. math::
        h \leftarrow h \cdot (1 + \beta \varepsilon), \qquad \varepsilon \sim N(0, I),

    element by element, and the features f behind the last of those layers are to agree between two
    passes of the same images, of d elements each:

    .. math::
        L = \frac{\gamma}{d} \, E \lVert f(x; \varepsilon_1) - f(x; \varepsilon_2) \rVert^2,

    for real and for generated images in the discriminator's step and for generated images in the
    generator's. The mean over elements, in place of the sum, makes :math:`\gamma` independent of
    the layer's width and size. The first of the two passes is the step's own; the second costs
    another one. :math:`\beta` follows the discriminator's overfitting, see
    :class:`~mmfncontra.models.layers.adaptive_strength.AdaptiveStrength`.

    Noise is added in training mode and where gradients are enabled only, so passes under
    ``torch.no_grad`` (a contrast's views and negatives) see the features as they are.

    Source: Ni & Koniusz, *NICE: NoIse-modulated Consistency rEgularization for Data-Efficient
    GANs*, NeurIPS 2023, for both formulas. The defaults are chosen here and not taken from the
    paper: all layers but the shallow first one, :math:`\gamma = 1` for the mean over elements, and
    the rule that CHAIN (Ni & Koniusz, CVPR 2024) has for its own strength.

    Args:
        layers: Names of the submodules to modulate, as in ``discriminator.named_modules()``,
            shallow to deep, each returning one tensor. ``None`` takes the discriminator's
            ``feature_taps``, or its last map of each resolution, but the first.
        gamma: :math:`\gamma`, positive.
        target: Value of E[sign D(real)] above which :math:`\beta` rises, in (-1, 1).
        step: Change of :math:`\beta` at each iteration, positive.
        momentum: Smoothing of E[sign D(real)], in [0, 1).
        maximum: Largest :math:`\beta`, positive.
        initial: :math:`\beta` at the start, in [0, ``maximum``].

    Attributes:
        strength: The adaptive strength; its ``value`` is :math:`\beta`, a buffer ().

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 1, 6))
        >>> nice = NICE(layers=['1'], initial=0.3)
        >>> nice.attach(net)
        >>> images = torch.randn(2, 3, 8, 8)
        >>> nice.enter('real')
        >>> _ = net(images)
        >>> list(nice.penalty(net, images))
        ['loss_nice_real']
    """

    def __init__(
        self,
        layers: Sequence[str] | None = None,
        gamma: float = 1.0,
        target: float = 0.5,
        step: float = 0.001,
        momentum: float = 0.9,
        maximum: float = 1.0,
        initial: float = 0.0,
    ) -> None:
        super().__init__()
        if layers is not None and (isinstance(layers, str) or not layers):
            raise ValueError(f'layers must be a list of submodule names or None, got {layers!r}')
        check_positive(gamma=gamma)
        self.layers = None if layers is None else tuple(layers)
        self.gamma = gamma
        self.strength = AdaptiveStrength(
            target, step=step, momentum=momentum, maximum=maximum, initial=initial
        )
        self._stream: str | None = None
        self._features: Tensor | None = None

    def attach(self, discriminator: nn.Module, in_size: int | None = None) -> None:
        """Hook the layers.

        Args:
            discriminator: The bare discriminator.
            in_size: Side of its images, if it does not say.

        Raises:
            ValueError: If a layer is no submodule of it, or none is named and the discriminator
                has fewer than two feature maps.
        """
        names = self.layers or getattr(discriminator, 'feature_taps', ())[1:]
        if not names:
            stages = find_stages(discriminator, image_size(discriminator, in_size))
            names = list(stages.values())[1:]
        if not names:
            raise ValueError(
                f'regularisers (NICE): {type(discriminator).__name__} has no two feature maps to '
                'modulate; name its submodules in layers, shallow to deep'
            )
        modules = find_submodules(discriminator, names, 'layers')
        # Bound methods, not closures: a deep copy of the model has hooks that read its own copy of
        # the strength. The discriminator holds them as hooks, not as children.
        for module in modules:
            module.register_forward_hook(self._modulate)
        modules[-1].register_forward_hook(self._capture)

    def enter(self, stream: str) -> None:
        """Say whose images pass the discriminator next.

        Args:
            stream: ``real``, ``fake`` or ``generator``.
        """
        self._stream, self._features = stream, None

    def penalty(
        self, discriminator: nn.Module, images: Images, **kwargs: object
    ) -> dict[str, Tensor]:
        """Consistency of the images that have just passed the discriminator.

        Args:
            discriminator: The discriminator, maybe wrapped; the images pass it once more.
            images: The images of the pass, as the discriminator took them.
            **kwargs: What else the discriminator takes.

        Returns:
            ``loss_nice_<stream>``, a scalar.

        Raises:
            RuntimeError: If the images have not passed the discriminator yet.
        """
        if self._features is None:
            raise RuntimeError(
                'NICE has no features: call enter(stream) and pass the images through the '
                'discriminator, in training mode and with gradients, before the penalty'
            )
        first, self._features = widen(self._features), None
        discriminator(images, **kwargs)
        second, self._features = widen(self._features), None
        loss = self.gamma * (first - second).square().mean()
        return {f'loss_nice_{self._stream}': loss}

    def observe(self, sign_mean: Tensor, num_images: int) -> dict[str, Tensor]:
        r"""Adapt :math:`\beta` after a discriminator step.

        Args:
            sign_mean: Mean sign of the logits of real images, (); the same on every rank.
            num_images: Real images behind it, those of all ranks.

        Returns:
            ``beta_nice`` to log, the new :math:`\beta`.
        """
        self.strength.observe(sign_mean, num_images)
        return dict(beta_nice=self.strength.value.detach().clone())

    def _modulate(self, module: nn.Module, _: object, output: Tensor) -> Tensor | None:
        if not (module.training and torch.is_grad_enabled()):
            return None
        return output * (1 + self.strength.value * torch.randn_like(output))

    def _capture(self, module: nn.Module, _: object, output: Tensor) -> None:
        if self._stream and module.training and torch.is_grad_enabled():
            # A copy: what follows the layer may change its output in place.
            self._features = output.clone()
