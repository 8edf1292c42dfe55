import pytest
import torch
import torch.nn.functional as F
from torch import nn

pytestmark = pytest.mark.slow


@pytest.fixture
def logits():
    return torch.randn(4, 1, requires_grad=True)


EXPECTED = {  # kind: loss of the discriminator on real and on fake, of the generator
    'vanilla': (lambda x: F.softplus(-x), F.softplus, lambda x: F.softplus(-x)),
    'lsgan': (lambda x: (x - 1) ** 2, lambda x: x**2, lambda x: (x - 1) ** 2),
    'wgan': (lambda x: -x, lambda x: x, lambda x: -x),
    'hinge': (lambda x: F.relu(1 - x), lambda x: F.relu(1 + x), lambda x: -x),
    'l1': (lambda x: (x - 1).abs(), lambda x: x.abs(), lambda x: (x - 1).abs()),
}


@pytest.mark.parametrize('kind', EXPECTED)
def test_adversarial(build, logits, kind):
    loss = build('GANLoss', gan_type=kind, loss_weight=0.1)
    real, fake, generated = (function(logits).mean() for function in EXPECTED[kind])
    torch.testing.assert_close(loss(logits, True, is_disc=True), real)
    torch.testing.assert_close(loss(logits, False, is_disc=True), fake)
    torch.testing.assert_close(loss(logits, True), 0.1 * generated)


class Quadratic(nn.Module):
    """D(x) = Σ a x² / 2, whose gradient is a x."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.rand(3, 1, 1))

    def forward(self, x):
        return (self.a * x.square()).sum((1, 2, 3)).view(-1, 1) / 2


@pytest.mark.parametrize('mode', ['pixel', 'HWC'])
def test_r1_penalty(mode):
    from mmagic.models.losses import r1_gradient_penalty_loss

    network, images = Quadratic(), torch.randn(2, 3, 4, 5)
    penalty = r1_gradient_penalty_loss(network, images, norm_mode=mode)
    squares = (network.a * images).square().sum(1)
    expected = squares.mean() if mode == 'pixel' else squares.sum((1, 2)).mean()
    torch.testing.assert_close(penalty, expected)
    gradients = [torch.autograd.grad(value, network.a)[0] for value in (penalty, expected)]
    torch.testing.assert_close(*gradients)


def test_penalty_of_wgan_gp(build):
    network = Quadratic()
    images = torch.randn(2, 3, 4, 5)
    penalty = build('GradientPenaltyLoss', loss_weight=10.0)(network, images, images)
    expected = 10 * ((network.a * images).norm(dim=1) - 1).square().mean()
    torch.testing.assert_close(penalty, expected)
    penalty.backward()
    assert network.a.grad.isfinite().all()


class Linear(nn.Module):
    """Images that are linear in the latents: the path lengths are those of rows of noise."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 3 * 4 * 4))

    def forward(self, noise, num_batches, return_latents):
        latent = torch.ones(num_batches, 2, 6, requires_grad=True)
        images = (latent[:, 0] @ self.weight).view(-1, 3, 4, 4)
        return dict(fake_img=images, latent=latent)


def test_path_lengths():
    from mmagic.models.losses import gen_path_regularizer

    network = Linear()
    torch.manual_seed(1)
    found = gen_path_regularizer(network, 4, torch.tensor(2.0), pl_batch_shrink=2)
    torch.manual_seed(1)
    noise = torch.randn(2, 3, 4, 4).flatten(1) / 4
    lengths = ((noise @ network.weight.T).square().sum(1) / 2).sqrt()  # the mean of two layers
    mean = 2 + 0.01 * (lengths.mean() - 2)
    expected = (lengths - mean).square().mean()
    for value, other in zip(found, (expected, mean, lengths), strict=True):
        torch.testing.assert_close(value, other)
    gradients = [torch.autograd.grad(value, network.weight)[0] for value in (found[0], expected)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize(
    ('name', 'formula'),
    [
        ('L1Loss', lambda x: x.abs()),
        ('MSELoss', lambda x: x.square()),
        ('CharbonnierLoss', lambda x: (x.square() + 1e-12).sqrt()),
    ],
)
def test_pixels(build, name, formula):
    images, target = torch.rand(2, 2, 3, 4, 4, requires_grad=False)
    errors = formula(images - target)
    torch.testing.assert_close(build(name, loss_weight=0.5)(images, target), 0.5 * errors.mean())
    torch.testing.assert_close(build(name, reduction='sum')(images, target), errors.sum())
    mask = (torch.rand(2, 3, 4, 4) > 0.5).float()
    expected = (errors * mask).sum() / mask.sum()
    torch.testing.assert_close(build(name)(images, target, weight=mask), expected)


def test_psnr_loss(build):
    images, target = torch.rand(2, 2, 3, 4, 4)
    errors = (images - target).square().mean((1, 2, 3))
    expected = 10 * torch.log10(errors + 1e-8).mean()
    torch.testing.assert_close(build('PSNRLoss')(images, target), expected)


@pytest.fixture
def _drawn_weights(monkeypatch):
    """VGG11 with drawn weights in place of a download."""
    from torchvision.models import vgg
    from torchvision.models._api import WeightsEnum

    def draw(self, *args, **kwargs):
        with torch.device('meta'):
            shapes = vgg.vgg11().state_dict()
        torch.manual_seed(0)
        return {
            name: torch.randn(value.shape) * 0.1
            if name.startswith('features')
            else torch.zeros(()).expand(value.shape)
            for name, value in shapes.items()
        }

    monkeypatch.setattr(WeightsEnum, 'get_state_dict', draw)


@pytest.mark.usefixtures('_drawn_weights')
@pytest.mark.filterwarnings('ignore:The parameter .pretrained.:UserWarning')
@pytest.mark.filterwarnings('ignore:Arguments other than a weight enum:UserWarning')
def test_perceptual(build):
    loss = build(
        'PerceptualLoss',
        layer_weights={'0': 0.5, '3': 2.0},
        vgg_type='vgg11',
        pretrained='torchvision://vgg11',
        style_weight=3.0,
    )
    images, target = torch.rand(2, 2, 3, 16, 16) * 2 - 1
    images.requires_grad_()
    mean, std = (
        torch.tensor(values).view(3, 1, 1)
        for values in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )
    layers = loss.vgg.vgg_layers
    content = style = 0
    features = [((x + 1) / 2 - mean) / std for x in (images, target)]
    for first, last, weight in ((0, 1, 0.5), (1, 4, 2.0)):
        features = [layers[first:last](x) for x in features]
        # mmagic's own activations are in place, on a copy of what it keeps.
        features = [x.clone() for x in features]
        content = content + weight * F.l1_loss(*features)
        grams = [torch.einsum('bchw,bdhw->bcd', x, x) / x[0].numel() for x in features]
        style = style + weight * F.l1_loss(*grams)
    found = loss(images, target)
    torch.testing.assert_close(found, (content, 3 * style))
    sum(found).backward()
    assert images.grad.isfinite().all() and images.grad.abs().sum() > 0
    assert all(value == 0 for value in loss(target, target))
