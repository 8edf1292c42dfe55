"""The networks of :class:`FeatureExtractor`: where their weights are, and how they are loaded."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.feature_extractor_clip import MODEL_METADATA as _CLIP
from torch_fidelity.feature_extractor_clip import MODEL_URLS as _CLIP_URLS
from torch_fidelity.feature_extractor_dinov2 import MODEL_METADATA as _DINOV2
from torch_fidelity.feature_extractor_dinov2 import FeatureExtractorDinoV2
from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3
from torch_fidelity.utils import create_feature_extractor
from torchvision.models import VGG16_Weights

from mmfncontra.models.pretrained import TimmBackbone
from mmfncontra.models.pretrained.timm_backbone import PACKAGES
from mmfncontra.models.pretrained.weight_files import package_file, require_timm
from mmfncontra.utils.files import expand_home
from mmfncontra.utils.one_line import one_line

_DINOV2_FILES = 'https://dl.fbaipublicfiles.com/dinov2'
_DINOV2_CODE = 'facebookresearch_dinov2_main'
# The sides that the networks were made for.
_LITE_SIDES = {'tf_efficientnet_lite0': 224, 'tf_efficientnet_lite1': 240}
_LITE_SIDES |= {'tf_efficientnet_lite2': 260}
_LITE_SHA256 = ('579344248a93e230', '77cc7160d37bebc1', '9656183eaeafe8cb')


@dataclass(frozen=True)
class Network:
    """A network whose weights are a published file.

    Attributes:
        name: What its makers call it: torch-fidelity, or timm for EfficientNet-Lite.
        layers: Of torch-fidelity's network: the features, and for the Inception score the logits.
        url: Where the file is published; empty where a package holds it.
        file_name: Its name in the folder ``checkpoints`` of ``torch.hub.get_dir()``.
        sha256: First digits of its SHA-256; empty where they are not published.
        torchscript: Whether it is TorchScript.
        of_timm: Whether the network is timm's.
    """

    name: str
    layers: tuple[str, ...] = ()
    url: str = ''
    file_name: str = ''
    sha256: str = ''
    torchscript: bool = False
    of_timm: bool = False

    @property
    def published_file(self) -> Path:
        """Where the published file is looked for."""
        return Path(torch.hub.get_dir()) / 'checkpoints' / self.file_name

    @property
    def has_logits(self) -> bool:
        """Whether there are logits, for the Inception score."""
        return len(self.layers) > 1


def _published(name: str, url: str, *layers: str) -> Network:
    file_name = url.rpartition('/')[-1]
    return Network(name, layers, url, file_name, file_name[:-4].rpartition('-')[-1])


NETWORKS = {
    # The Inception score is defined on logits without the bias of the last layer.
    'inception': _published('inception-v3-compat', URL_INCEPTION_V3, '2048', 'logits_unbiased'),
    'vgg16': _published('vgg16', VGG16_Weights.IMAGENET1K_V1.url, 'fc2_relu'),
    **{
        name.removeprefix('tf_'): Network(name, sha256=sha256, of_timm=True)
        for name, sha256 in zip(PACKAGES, _LITE_SHA256, strict=True)
    },
    **{
        name: Network(
            name,
            ('clip',),
            _CLIP_URLS[name],
            f'{name}-{facts["hash"]}.pt',
            facts['hash'],
            torchscript=True,
        )
        for name, facts in _CLIP.items()
    },
    **{
        name: Network(
            name,
            ('dinov2',),
            f'{_DINOV2_FILES}/{short}/{short}_pretrain.pth',
            f'{short}_pretrain.pth',
        )
        for name, short in _DINOV2.items()
    },
}


def check_packages(extractor: str) -> None:
    """Check that the packages of a network are installed, without importing them.

    Args:
        extractor: A key of :data:`NETWORKS`; an unknown one passes.

    Raises:
        ImportError: If one is missing; the message is the command that installs it.
    """
    network = NETWORKS.get(extractor)
    if network is not None and network.of_timm:
        require_timm()
        package_file(*PACKAGES[network.name])


def find_weights(
    extractor: str, network: Network, weights: str | Path | None, download: bool
) -> Path:
    """The file of a network's weights.

    Args:
        extractor: Name of the network, for messages.
        network: The network.
        weights: The file; ``None``: the published one.
        download: Fetch the published one where it is missing.

    Raises:
        FileNotFoundError: If it is not there; the message names file, folder and address.
        ImportError: If the package that holds it is missing.
        ValueError: If ``weights`` is no path.
    """
    if network.of_timm:
        require_timm()
    if weights is not None:
        if not isinstance(weights, str | Path):
            raise ValueError(f'weights must be the path of a file, got {weights!r}')
        path = expand_home(weights)
        if not path.is_file():
            known = f'{network.published_file}, which is published at {network.url}'
            known = f"the package's, {PACKAGES[network.name][0]}" if network.of_timm else known
            raise FileNotFoundError(
                f'weights of {extractor}: {path} does not exist; leave weights out to take {known}'
            )
        return path
    if network.of_timm:
        return package_file(*PACKAGES[network.name])
    path = network.published_file
    if not path.is_file() and download:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(network.url, str(path), hash_prefix=network.sha256 or None)
    if not path.is_file():
        raise FileNotFoundError(
            f'{extractor} needs its published weights, and {path.name} is not in {path.parent}. '
            f'Download {network.url} and put it there as {path.name} (download=True does it), or '
            'name a file: weights=FILE, or mmfncontra test --weights FILE. mmfncontra test '
            '--offline and extractor=efficientnet_lite2 need no download.'
        )
    return path


def input_filter(network: Network, module: nn.Module | None = None) -> str:
    """What happens to the size of the images, for fingerprints.

    Args:
        network: The network.
        module: It, loaded; not needed for timm's.

    Returns:
        Such as ``'tf1-bilinear-299'``.
    """
    if network.of_timm:
        return f'bilinear-antialias-{_LITE_SIDES[network.name]}'
    return f'tf1-bilinear-{getattr(module, "resolution", None) or module.INPUT_IMAGE_SIZE}'


def load_network(network: Network, path: Path) -> nn.Module:
    """A network with its weights, frozen: uint8 RGB images (B, 3, H, W) → its layers, in a tuple.

    Args:
        network: Which.
        path: File of the weights.

    Raises:
        FileNotFoundError: If the code of DINOv2 is not in the hub folder.
        ValueError: If the file does not hold the weights.
    """
    if network.of_timm:
        return LiteFeatures(network.name, path)
    if network.name in _DINOV2:
        return DinoV2Features(network.name, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            if not network.torchscript:
                # torch-fidelity unpickles whatever is in the file; this refuses to run code first.
                torch.load(path, map_location='cpu', weights_only=True)
            return create_feature_extractor(
                network.name,
                list(network.layers),
                cuda=False,
                feature_extractor_weights_path=str(path),
                verbose=False,
            )
    except Exception as error:  # a damaged or foreign file fails in many ways
        raise _other_weights(network, path, error) from error


def _other_weights(network: Network, path: Path, error: Exception) -> ValueError:
    reason = one_line(str(error).partition('Please use')[0])
    return ValueError(f'{path} does not hold the weights of {network.name}: {reason}')


class LiteFeatures(nn.Module):
    """What EfficientNet-Lite's classifier is put on.

    Images are brought to the side that the network was made for (224, 240 or 260 pixels),
    bilinear with antialiasing and without rounding to whole grey levels.

    Args:
        name: Of timm's.
        path: File of its weights.
    """

    def __init__(self, name: str, path: Path) -> None:
        super().__init__()
        self.side = _LITE_SIDES[name]
        self.backbone = TimmBackbone(name, path)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """uint8 RGB (B, 3, H, W) → float32 (B, 1280), in a tuple."""
        images = F.interpolate(
            images.float(), size=(self.side, self.side), mode='bilinear', antialias=True
        )
        return (self.backbone.pooled(images / 127.5 - 1),)


class DinoV2Features(FeatureExtractorDinoV2):
    """torch-fidelity's DINOv2 with weights of a file; its own way to them is a download.

    The code of the network is that of its authors, as torch's hub keeps it. It is not loaded before
    a file of weights is there.

    Args:
        name: Of torch-fidelity's.
        path: File of the weights.
    """

    def __init__(self, name: str, path: Path) -> None:
        FeatureExtractorBase.__init__(self, name, ['dinov2'])
        code = Path(torch.hub.get_dir()) / _DINOV2_CODE
        if not (code / 'hubconf.py').is_file():
            raise FileNotFoundError(
                f'{name} needs the code of its authors, which is not at {code}: git clone '
                f'https://github.com/facebookresearch/dinov2 {code}'
            )
        self.feature_extractor_internal_dtype = torch.float32
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # xFormers is not needed
            self.model = torch.hub.load(
                str(code), _DINOV2[name], source='local', pretrained=False, verbose=False
            )
        try:
            self.model.load_state_dict(torch.load(path, map_location='cpu', weights_only=True))
        except Exception as error:  # a damaged or foreign file fails in many ways
            raise _other_weights(NETWORKS[name], path, error) from error
        self.requires_grad_(False).eval()
