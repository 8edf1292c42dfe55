"""Projected GAN's discriminator: heads on randomly mixed features of a pretrained network."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from mmfncontra.registry import MODELS
from mmfncontra.utils.checks import check_booleans, check_integers

from ..layers import FixedConv2d
from ..network_facts import full_size

FEATURE_SIZE = 224  # that of ImageNet networks: smaller images are enlarged to it
SCALES = 4


@MODELS.register_module()
class ProjectedDiscriminator(nn.Module):
    r"""Four patch discriminators on projections of a frozen network's feature maps.

    The backbone's maps :math:`L_0 \dots L_3` at strides 4, 8, 16, 32 are mixed by convolutions
    whose random weights stay as they were drawn, over channels and, from the deepest map up, over
    scales:

    .. math::
        c_l = C_l L_l, \qquad s_3 = \mathrm{up}(W_3 c_3), \qquad
        s_l = \mathrm{up}(W_l (s_{l+1} + c_l)),

    with up the bilinear doubling. Every :math:`s_l` has a head of its own: convolutions 4×4 of
    stride 2 down to an eighth of the backbone's side / 4, then one logit for each 4×4 patch. Only
    the heads are trained. The published code enlarges before it convolves; for 1×1 kernels, whose
    weights are the same everywhere, the order is of no consequence but for the cost.

    Called, it takes images (B, 3, S, S), or what a generator with several outputs returns, of which
    it looks at the first; it gives logits (B, n), of each image those of :math:`s_0` first, all
    heads equally many: 16 each at 224 pixels, 25 at 256.

    Source: Sauer et al., *Projected GANs Converge Faster*, NeurIPS 2021, arXiv 2111.01007. With
    1×1 kernels over scales as in the released code; the paper has 3×3.

    Attributes:
        in_size: Side S of the image in pixels.
        feature_taps: ``mix_0``, ``mix_1``, ``mix_2`` (:math:`s_0 \dots s_2`) and the first map
            inside the head of :math:`s_3`, or of :math:`s_2` where ``feature_size`` is below 128:
            what is before is fixed, so that a loss of its embedding would train nothing. Other maps
            have names too: ``mix_3``, and the backbone's, ``features_0`` to ``features_3``.

    Args:
        in_size: Side of the image in pixels.
        backbone: Config of the frozen network, called with images in [-1, 1], with ``channels``
            of its four maps.
        mix_channels: Channels of :math:`s_0`; :math:`c_l` has 1, 2, 4, 8 times as many. 64 is
            published; 32 halves every width.
        csm_kernel: Side of the kernels over scales, 1 or 3.
        feature_size: Side of the images that the backbone sees, a multiple of 32, 64 at least.
            ``None``: that of the images, but 224 at least. A smaller one is for CPUs; heads then
            end in a kernel of a 32th of it.
        separable: Heads of depthwise 3×3 and 1×1 convolutions with average pooling, published
            with the generator of StyleGAN2.
        augment: Config of an augmentation of all that is looked at, inside, with draws of its own
            for each pass; ``None`` leaves that to the ``augment`` of the GAN.

    Raises:
        ImportError: If the backbone's package is missing; the message is the command.
        ValueError: If an argument is out of its range.
    """

    samples_meet_in_batchnorm_only = True
    takes_small_image = False
    has_decoders = False

    def __init__(
        self,
        in_size: int = 256,
        backbone: dict | None = None,
        mix_channels: int = 64,
        csm_kernel: int = 1,
        feature_size: int | None = None,
        separable: bool = False,
        augment: dict | None = None,
    ) -> None:
        super().__init__()
        check_integers(32, in_size=in_size)
        check_integers(4, mix_channels=mix_channels)
        check_booleans(separable=separable)
        if csm_kernel not in (1, 3) or isinstance(csm_kernel, bool):
            raise ValueError(f'csm_kernel must be 1 or 3, got {csm_kernel!r}')
        if feature_size is None:
            feature_size = max(in_size, FEATURE_SIZE)
        check_integers(64, feature_size=feature_size)
        if feature_size % 32:
            raise ValueError(
                f'feature_size must be a multiple of 32, got {feature_size}; without one it is '
                f'in_size, but {FEATURE_SIZE} at least'
            )
        self.in_size, self.feature_size = in_size, feature_size
        self.augment = None if augment is None else MODELS.build(augment)
        self.backbone = MODELS.build(backbone or dict(type='mmfncontra.TimmBackbone'))
        if len(getattr(self.backbone, 'channels', ())) != SCALES:
            raise ValueError(
                'backbone must be a frozen network with maps at four strides, such as '
                f'TimmBackbone, got {type(self.backbone).__name__}'
            )
        mixed = [mix_channels * m for m in (1, 2, 4, 8)]
        for scale, (channels, width) in enumerate(zip(self.backbone.channels, mixed, strict=True)):
            self.add_module(f'features_{scale}', nn.Identity())  # a name for taps
            self.add_module(f'channels_{scale}', FixedConv2d(channels, width))
        # Half as many channels at each step up, but for the last.
        widths = [mixed[0], *mixed[:-1]]
        for scale, (wide, narrow) in enumerate(zip(mixed, widths, strict=True)):
            self.add_module(f'mix_{scale}', _ScaleMixing(wide, narrow, csm_kernel))
        block = _separable_down if separable else _down
        self.heads = nn.ModuleList(
            _head(mix_channels, scale, widths[scale], min(4, feature_size // 32), block)
            for scale in range(SCALES)
        )
        # To be embedded a map must have a side of 4.
        deepest = 3 if feature_size >= 128 else 2
        self.feature_taps = ('mix_0', 'mix_1', 'mix_2', f'heads.{deepest}.0')

    def idle_parts(self, *_: object, **__: object) -> tuple[str, ...]:
        """Submodules that such a forward leaves out, see ``JointSpectralNorm``: none."""
        return ()

    def forward(self, x: Tensor | Sequence[Tensor]) -> Tensor:
        """Judge images.

        Args:
            x: Images (B, 3, S, S) in [-1, 1], or several, of which the first is looked at.

        Returns:
            Logits (B, n), unbounded.

        Raises:
            ValueError: If the images are of another size.
        """
        images = full_size(x)
        if images.shape[2:] != (self.in_size, self.in_size):
            raise ValueError(
                f'x must be images of {self.in_size}² pixels, got {tuple(images.shape[2:])}'
            )
        logits = [head(s) for head, s in zip(self.heads, self.project(images), strict=True)]
        return torch.cat([each.flatten(1) for each in logits], dim=1)

    def project(self, images: Tensor) -> list[Tensor]:
        """The mixed maps: (B, 3, S, S) in [-1, 1] → four (B, c, f/2, f/2) … (B, c', f/16, f/16)."""
        if self.augment is not None:
            images = self.augment(images)
        if images.shape[-1] != self.feature_size:
            size = (self.feature_size, self.feature_size)
            images = F.interpolate(images, size=size, mode='bilinear', align_corners=False)
        maps = [self._named('features', scale, each) for scale, each in
                enumerate(self.backbone(images))]  # fmt: skip
        mixed: list[Tensor] = []
        for scale in reversed(range(SCALES)):
            x = self._named('channels', scale, maps[scale])
            mixed.append(self._named('mix', scale, x + mixed[-1] if mixed else x))
        return mixed[::-1]

    def _named(self, kind: str, scale: int, x: Tensor) -> Tensor:
        return self.get_submodule(f'{kind}_{scale}')(x)


class _ScaleMixing(nn.Module):
    """Fixed convolution and bilinear doubling: (B, in, H, W) → (B, out, 2H, 2W)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        super().__init__()
        self.conv = FixedConv2d(in_channels, out_channels, kernel)
        self._conv_first = kernel == 1  # a quarter of the work, and the same result

    def forward(self, x: Tensor) -> Tensor:
        if self._conv_first:
            return _doubled(self.conv(x))
        return self.conv(_doubled(x))


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=True)


def _head(
    mix_channels: int, scale: int, in_channels: int, kernel: int, block: type[nn.Module]
) -> nn.Sequential:
    """Down to where a 4×4 patch is an eighth of a 256² image: 4, 3, 2, 1 halvings."""
    widths = [mix_channels * m for m in (1, 2, 4, 8)][scale:]
    layers = [block(i, o) for i, o in zip([in_channels, *widths], widths, strict=False)]
    return nn.Sequential(*layers, _conv(widths[-1], 1, kernel))


def _conv(in_channels: int, out_channels: int, kernel: int, **kwargs: int | bool) -> nn.Module:
    # Initialised as torch does it, not as FastGAN.
    return spectral_norm(nn.Conv2d(in_channels, out_channels, kernel, **{'bias': False, **kwargs}))


def _down(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        _conv(in_channels, out_channels, 4, stride=2, padding=1, bias=True),
        nn.BatchNorm2d(out_channels),
        nn.LeakyReLU(0.2, inplace=True),
    )


def _separable_down(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        _conv(in_channels, in_channels, 3, padding=1, groups=in_channels),
        _conv(in_channels, out_channels, 1),
        nn.BatchNorm2d(out_channels),
        nn.LeakyReLU(0.2, inplace=True),
        nn.AvgPool2d(2),
    )
