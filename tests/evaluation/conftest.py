import pytest
import torch
from torch import nn


def _scaled(network, seed):
    """Random weights that keep features alive: neither vanishing nor the same for all images."""
    torch.manual_seed(seed)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            gain = 10 if isinstance(module, nn.Linear) else 1  # logits that tell images apart
            module.weight.data.normal_(std=gain * (2 / module.weight[0].numel()) ** 0.5)
    return network.state_dict()


@pytest.fixture(scope='session')
def inception_file(tmp_path_factory):
    """A file in the format of torch-fidelity's Inception weights, with seeded random values."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    with pytest.MonkeyPatch.context() as patch:  # a network that has not loaded its weights
        patch.setattr(torch, 'load', lambda *_, **__: {})
        patch.setattr(FeatureExtractorInceptionV3, 'load_state_dict', lambda *_: None)
        network = FeatureExtractorInceptionV3('inception-v3-compat', ['2048'], 'none')
    path = tmp_path_factory.mktemp('inception') / 'inception.pth'
    torch.save(_scaled(network, 11), path)
    return path


@pytest.fixture(scope='session')
def vgg16_file(tmp_path_factory):
    """A file in the format of torchvision's VGG16 weights, convolutions only, random."""
    from torchvision.models import vgg16

    state = _scaled(vgg16(weights=None, init_weights=False).features, 3)
    path = tmp_path_factory.mktemp('vgg16') / 'vgg16.pth'
    torch.save({f'features.{name}': value for name, value in state.items()}, path)
    return path


@pytest.fixture(scope='session')
def lite0():
    """The extractor of EfficientNet-Lite0, and the network behind it."""
    pytest.importorskip('timm', reason='the extra pretrained is not installed')
    from mmfncontra.evaluation.features import FeatureExtractor
    from mmfncontra.models.pretrained import TimmBackbone

    return FeatureExtractor('efficientnet_lite0'), TimmBackbone()
