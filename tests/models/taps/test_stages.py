import gan_configs
import pytest
import torch
from torch import nn

import mmfncontra.models.gans  # noqa: F401 (readies mmagic)
from mmfncontra.models.archs import FastGANDiscriminator
from mmfncontra.models.heads import ContrastiveDiscriminator
from mmfncontra.models.taps import find_stages
from mmfncontra.registry import build_model

pytestmark = pytest.mark.usefixtures('default_scope')
HEAD = dict(type='mmfncontra.WaveletContrastiveHead')
STYLEGAN2 = dict(type='mmagic.StyleGAN2Discriminator', in_size=32)
DCGAN, SAGAN = (gan['discriminator'] for gan in (gan_configs.DCGAN, gan_configs.SAGAN))
BIGGAN = dict(type='mmagic.BigGANDiscriminator', input_scale=64, base_channels=8)


@pytest.mark.parametrize(
    ('cfg', 'size', 'sides'),
    [
        (STYLEGAN2, 32, [32, 16, 8, 4]),
        (DCGAN, 64, [32, 16, 8, 4]),
        (SAGAN, 64, [64, 32, 16, 8, 4]),
        ({**SAGAN, 'num_classes': 3}, 64, [64, 32, 16, 8, 4]),
        (BIGGAN, 64, [64, 32, 16, 8, 4]),
        ({**BIGGAN, 'num_classes': 3}, 64, [64, 32, 16, 8, 4]),
    ],
)
def test_contrast_on_networks_of_mmagic(cfg, size, sides):
    """Embedding and prototypes by resolution, gradients reach the network through both."""
    network = build_model(cfg)
    state = torch.get_rng_state()
    assert list(find_stages(network, size)) == sides
    assert torch.equal(torch.get_rng_state(), state)
    disc = ContrastiveDiscriminator(network, HEAD, in_size=size).train()
    labels = dict(label=torch.tensor([0, 1])) if cfg.get('num_classes') else {}
    logits, embedding, prototypes = disc(
        torch.randn(2, 3, size, size), embed=True, prototypes=True, **labels
    )
    assert logits.shape == (2, 1) and embedding.shape == (2, disc.head.embedding_size)
    assert [p.shape[-1] for p in prototypes] == [side // 2 for side in sides[:-1]]
    (embedding.square().sum() + sum(p.square().sum() for p in prototypes)).backward()
    first = next(p for p in network.parameters() if p.ndim == 4)
    assert first.grad.abs().sum() > 0


def test_what_mixes_the_batch_is_no_stage():
    stages = find_stages(build_model(STYLEGAN2), 32)
    assert stages == {32: 'convs.0', 16: 'convs.1', 8: 'convs.2', 4: 'convs'}


def test_taps_by_side():
    backbone = FastGANDiscriminator(64, base_channels=4)
    disc = ContrastiveDiscriminator(backbone, HEAD, taps=[32, 8])
    assert disc.tap_names == ('down_32', 'excite_8')
    with pytest.raises(ValueError, match=r'side \[5\]; it has \[64, 32, 16, 8\]'):
        ContrastiveDiscriminator(backbone, HEAD, taps=[5, 8])
    with pytest.raises(ValueError, match=r"'conv.0'; did you mean one of \['convs.0'"):
        ContrastiveDiscriminator(build_model(STYLEGAN2), HEAD, ['conv.0'], in_size=32)


def test_taps_that_are_no_maps():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten())
    with pytest.raises(ValueError, match=r"not all of \['0', '1'\] put out feature maps"):
        ContrastiveDiscriminator(net, HEAD, taps=['0', '1'], in_size=16)


def test_modes_are_given_back():
    network = build_model(DCGAN).train()
    network.downsamples[1].eval()
    modes = [m.training for m in network.modules()]
    find_stages(network, 64)
    assert [m.training for m in network.modules()] == modes
