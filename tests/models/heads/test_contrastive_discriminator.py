import pytest
import torch
from torch import nn

from mmfncontra.models.archs import FastGANDiscriminator
from mmfncontra.models.heads import ContrastiveDiscriminator
from mmfncontra.models.taps import FeatureTaps

HEAD = dict(type='mmfncontra.WaveletContrastiveHead')


def test_taps_read_what_the_submodules_return():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 3))
    x = torch.randn(2, 3, 8, 8)
    with FeatureTaps(net, ['2', '0']).record() as maps:
        out = net(x)
    torch.testing.assert_close(maps[0], out)
    torch.testing.assert_close(maps[1], net[0](x))
    assert not any(m._forward_hooks for m in net.modules())


def test_unknown_tap_names_near_ones():
    with pytest.raises(ValueError, match=r"no submodule 'down_9'; did you mean one of \['down_"):
        FeatureTaps(FastGANDiscriminator(64, base_channels=4), ['down_9'])
    with pytest.raises(ValueError, match=r"no submodule 'xyz'; it has \["):
        FeatureTaps(FastGANDiscriminator(64, base_channels=4), ['xyz'])


def test_infers_the_head_and_leaves_the_network_untouched():
    backbone = FastGANDiscriminator(64, base_channels=8)
    before = {k: v.clone() for k, v in backbone.state_dict().items()}
    disc = ContrastiveDiscriminator(backbone, HEAD)
    assert disc.head.in_channels == 64 and disc.in_size == 64 and disc.has_decoders
    assert backbone.training
    for name, value in backbone.state_dict().items():
        torch.testing.assert_close(value, before[name])


def test_returns_what_is_asked_for():
    disc = ContrastiveDiscriminator(FastGANDiscriminator(64, base_channels=8), HEAD).eval()
    x = torch.randn(2, 3, 64, 64)
    plain = disc(x)
    logits, embedding, prototypes = disc(x, embed=True, prototypes=True)
    torch.testing.assert_close(logits, plain)
    assert embedding.shape == (2, disc.head.embedding_size)
    assert [p.shape[-1] for p in prototypes] == [32, 16, 8]
    assert disc(x, embed=True)[2] is None and disc(x, prototypes=True)[1] is None


def test_taps_by_name():
    net = nn.Sequential(nn.Conv2d(3, 8, 3))
    net.in_size = 16
    with pytest.raises(ValueError, match=r'no feature map of side 4 or more; it has \[\], or name'):
        ContrastiveDiscriminator(net, HEAD)
    assert ContrastiveDiscriminator(net, HEAD, taps=['0']).head.in_channels == 8
    with pytest.raises(ValueError, match=r"no submodule 'x'; it has \['0'\]"):
        ContrastiveDiscriminator(net, HEAD, taps=['x'])
    assert ContrastiveDiscriminator(net, HEAD, taps=['0'], in_size=99).in_size == 16


def test_size_of_a_discriminator_that_does_not_say():
    net = nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1))
    assert ContrastiveDiscriminator(net, HEAD, in_size=16).head.in_channels == 8
    with pytest.raises(ValueError, match='Sequential does not say its in_size'):
        ContrastiveDiscriminator(net, HEAD)
