import pytest
import torch

from mmfncontra.models.gans import StyleGAN2Generator


def generator(**kwargs):
    return StyleGAN2Generator(out_size=8, style_channels=8, num_mlps=1, **kwargs)


def test_latents_are_in_the_graph_of_the_images():
    net = generator().train()
    images, latents = net(torch.randn(2, 8), return_latents=True)
    assert images.shape == (2, 3, 8, 8) and latents.shape == (2, net.num_latents, 8)
    (grad,) = torch.autograd.grad(images.square().sum(), latents)
    assert (grad.abs().sum(dim=(0, 2)) > 0).all()


def test_mixing_replaces_upper_layers():
    """Every cut is drawn, equally often; below it the latents are the first noise's."""
    net = generator(mix_prob=1.0).train()
    noise = torch.randn(1, 8)
    own = net.style_mapping(noise)
    cuts = []
    for _ in range(150):
        _, latents = net(noise, return_latents=True)
        same = [torch.allclose(latents[:, i], own) for i in range(net.num_latents)]
        cuts.append(sum(same))
        assert same == [True] * cuts[-1] + [False] * (net.num_latents - cuts[-1])
    counts = [cuts.count(i) for i in range(1, net.num_latents)]
    assert sum(counts) == 150 and min(counts) > 150 / len(counts) * 0.7
    mixed = generator(mix_prob=0.25).train()
    cuts = [len({tuple(w.tolist()) for w in mixed(noise, return_latents=True)[1][0]}) for _ in
            range(200)]  # fmt: skip
    assert cuts.count(2) / 200 == pytest.approx(0.25, abs=0.07)


def test_no_mixing_in_evaluation():
    net = generator(mix_prob=1.0).eval()
    _, latents = net(torch.randn(2, 8), return_latents=True)
    assert (latents == latents[:, :1]).all()


def test_mean_of_w_and_truncation():
    net = generator(w_avg_beta=0.5).train()
    noise = torch.randn(4, 8)
    mean = net.style_mapping(noise).mean(dim=0)
    net(noise)
    torch.testing.assert_close(net.w_avg, 0.5 * mean)
    net(noise)
    torch.testing.assert_close(net.w_avg, 0.75 * mean)
    net.eval()
    latents = net(noise, return_latents=True, truncation=0.3)[1][:, 0]
    torch.testing.assert_close(latents, net.w_avg + 0.3 * (net.style_mapping(noise) - net.w_avg))
    before = net.w_avg.clone()
    net(noise)
    assert torch.equal(net.w_avg, before)


def test_names_of_weights_are_those_of_mmagic():
    from mmagic.models.editors.stylegan2 import StyleGAN2Generator as Theirs

    theirs = Theirs(out_size=8, style_channels=8, num_mlps=1).state_dict()
    ours = generator().state_dict()
    assert set(ours) - set(theirs) == {'w_avg'} and not set(theirs) - set(ours)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(out_size=48), 'out_size must be a power of 2 from 8 to 1024, got 48'),
        (dict(mix_prob=1.5), r'mix_prob must be in \[0, 1\], got 1.5'),
        (dict(w_avg_beta=1.0), r'w_avg_beta must be in \[0, 1\), got 1.0'),
        (dict(cond_size=4), 'cond_size and noise_size are not for this generator'),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        StyleGAN2Generator(**{'out_size': 8, 'style_channels': 8, **arguments})
