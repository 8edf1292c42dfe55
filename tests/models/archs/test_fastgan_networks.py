import pytest
import torch

from mmfncontra.models.archs import FastGANDiscriminator, FastGANGenerator
from mmfncontra.models.archs.fastgan_blocks import NoiseInjection


def parameters(module):
    return sum(p.numel() for p in module.parameters()) / 1e6


def test_published_parameter_counts():
    assert parameters(FastGANGenerator(256)) == pytest.approx(29.13, abs=0.005)
    assert parameters(FastGANGenerator(1024)) == pytest.approx(29.18, abs=0.005)
    head = 512 * 256 * 16 + 256 * 128 * 9 + 2 * (256 + 128)
    assert parameters(FastGANDiscriminator(256)) + head / 1e6 == pytest.approx(13.92, abs=0.005)


def test_excitations_exist_where_both_maps_do():
    def resolutions(network, prefix):
        names = [name for name, _ in network.named_children() if name.startswith(prefix)]
        return [int(name.split('_')[1]) for name in names]

    skips = {64: [64], 128: [64, 128], 256: [64, 128, 256], 1024: [64, 128, 256, 512]}
    for size, expected in skips.items():
        assert resolutions(FastGANGenerator(size, base_channels=4), 'skip_') == expected
    for size, expected in {64: [8], 128: [16, 8], 256: [32, 16, 8], 1024: [32, 16, 8]}.items():
        assert resolutions(FastGANDiscriminator(size, base_channels=4), 'excite_') == expected


def test_tanh_bounds_the_images_at_1024_only():
    for size, bounded in ((64, False), (1024, True)):
        generator = FastGANGenerator(size, base_channels=4)
        with torch.no_grad():  # heads that would leave [-1, 1] if nothing held them
            for head in (generator.to_big, generator.to_small):
                head.register_forward_hook(lambda module, args, output: 100 * output)
            fakes = generator(torch.randn(2, 256))
        for image in fakes:
            assert (image.abs().max() <= 1) == bounded


def test_initialisation():
    generator = FastGANGenerator(64)
    weight = generator.up_8[0].weight_orig
    assert weight.std().item() == pytest.approx(0.02, rel=0.02)
    scale, bias = generator.initial[1].weight, generator.initial[1].bias
    assert scale.mean().item() == pytest.approx(1, abs=0.002)
    assert scale.std().item() == pytest.approx(0.02, rel=0.1)
    assert not bias.any()


def test_noise_injection_adds_one_map_per_sample():
    layer = NoiseInjection()
    x = torch.randn(2, 5, 4, 4)
    assert torch.equal(layer(x), x)
    torch.nn.init.constant_(layer.weight, 3.0)
    added = (layer(x) - x).detach()
    torch.testing.assert_close(added, added[:, :1].expand_as(added), atol=1e-6, rtol=0)
    assert not torch.allclose(added[0], added[1])


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(out_size=200), r'out_size must be one of \(64.*got 200'),
        (dict(base_channels=0), 'base_channels must be a positive .* got 0'),
        (dict(noise_size=2.5), 'noise_size must be a positive .* got 2.5'),
    ],
)
def test_refused_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        FastGANGenerator(**arguments)
