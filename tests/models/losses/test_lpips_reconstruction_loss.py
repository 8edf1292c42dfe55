import copy
import importlib.util
import warnings

import pytest
import torch

from mmfncontra.models.losses import LPIPSReconstructionLoss
from mmfncontra.models.losses import lpips_reconstruction_loss as module


@pytest.fixture(scope='module')
def vgg_file(tmp_path_factory):
    """A file in the format of torchvision's VGG16 weights, with seeded random convolutions."""
    from torchvision.models import vgg16

    torch.manual_seed(3)
    state = {k: v for k, v in vgg16(weights=None).state_dict().items() if k.startswith('features')}
    path = tmp_path_factory.mktemp('vgg') / 'vgg16.pth'
    torch.save(state, path)
    return path


def test_sums_lpips_over_batch_and_pairs(vgg_file):
    from lpips import LPIPS

    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        oracle = LPIPS(net='vgg', pnet_rand=True, verbose=False).eval()
    state = torch.load(vgg_file, weights_only=True)
    for part in oracle.net.children():
        part.load_state_dict({n: state[f'features.{n}'] for n in part.state_dict()}, strict=True)
    loss = LPIPSReconstructionLoss(loss_weight=0.5, backbone_weights=vgg_file)
    pairs = [torch.rand(2, 2, 3, 32, 32) * 2 - 1 for _ in range(3)]
    ours = loss([a for a, _ in pairs], [b for _, b in pairs])
    expected = 0.5 * sum(
        oracle(a[i : i + 1], b[i : i + 1]).item() for a, b in pairs for i in range(2)
    )
    assert ours.item() == pytest.approx(expected, rel=1e-4)


def test_gradient_reaches_the_reconstruction_and_not_the_network(vgg_file):
    loss = LPIPSReconstructionLoss(backbone_weights=vgg_file)
    image = torch.rand(1, 3, 32, 32, requires_grad=True)
    loss([image], [torch.rand(1, 3, 32, 32)]).backward()
    assert image.grad.abs().sum() > 0
    assert not list(loss.parameters()) and not loss.state_dict()
    assert loss.double()._frozen[0].lin0.model[1].weight.dtype == torch.float64


def test_says_where_to_put_the_weights(tmp_path, monkeypatch):
    from torchvision.models import VGG16_Weights

    def unreachable(*_, **__):
        raise OSError('no route to host')

    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(VGG16_Weights, 'get_state_dict', unreachable)
    with pytest.raises(FileNotFoundError) as error:
        LPIPSReconstructionLoss()
    message = str(error.value)
    assert 'vgg16-397923af.pth' in message and str(tmp_path) in message
    assert 'WaveletL1Loss' in message and 'no route to host' in message
    assert module.vgg16_weights_file().parent == tmp_path / 'checkpoints'


def test_refuses_other_files(tmp_path):
    with pytest.raises(FileNotFoundError, match='does not exist'):
        LPIPSReconstructionLoss(backbone_weights=tmp_path / 'nothing.pth')
    torch.save(dict(weight=torch.ones(1)), tmp_path / 'other.pth')
    with pytest.raises(ValueError, match='not a state dict of torchvision'):
        LPIPSReconstructionLoss(backbone_weights=tmp_path / 'other.pth')
    (tmp_path / 'broken.pth').write_bytes(b'PK not a checkpoint')
    with pytest.raises(ValueError, match='cannot be read'):
        LPIPSReconstructionLoss(backbone_weights=tmp_path / 'broken.pth')


def test_shares_passes_and_equals_separate_ones(vgg_file):
    torch.manual_seed(0)
    loss = LPIPSReconstructionLoss(backbone_weights=vgg_file)
    a, b, c, whole, part = (torch.rand(2, 3, 32, 32) * 2 - 1 for _ in range(5))
    passes = []
    handle = loss._frozen[0].net.register_forward_pre_hook(
        lambda _, args: passes.append((len(args[0]), args[0].requires_grad))
    )
    joint = [x.clone().requires_grad_() for x in (a, b, c)]
    total = loss(joint, [whole, whole, part])
    assert passes == [(4, False), (6, True)]  # the target that comes twice passes once
    handle.remove()
    total.backward()
    alone = [x.clone().requires_grad_() for x in (a, b, c)]
    separate = [
        loss._frozen[0](x, y).sum() for x, y in zip(alone, (whole, whole, part), strict=True)
    ]
    assert total.item() == pytest.approx(sum(separate).item(), rel=1e-5)
    sum(separate).backward()
    for x, y in zip(joint, alone, strict=True):
        torch.testing.assert_close(x.grad, y.grad, atol=1e-6, rtol=1e-4)


def test_takes_pairs_of_different_sizes_and_refuses_a_missing_target(vgg_file):
    loss = LPIPSReconstructionLoss(backbone_weights=vgg_file)
    small, large = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 48, 48)
    both = loss([small, large], [-small, -large])
    assert both.item() == pytest.approx(
        (loss([small], [-small]) + loss([large], [-large])).item(), rel=1e-5
    )
    with pytest.raises(ValueError, match='one for each of 2 reconstructions, got 1'):
        loss([small, small], [small])


def test_autocast_does_not_round_the_distance(vgg_file):
    """VGG may compute in bfloat16; what it found is compared in float32."""
    loss = LPIPSReconstructionLoss(backbone_weights=vgg_file)
    ((a,), (b,)) = (loss._features([torch.rand(2, 3, 32, 32)]) for _ in range(2))
    expected = loss._distance(a, b)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(loss._distance(a, b), expected)


@pytest.fixture(scope='module', params=['alex', 'vgg'])
def tolerant(request):
    if importlib.util.find_spec('stlpips_pytorch') is None:
        pytest.skip('the extra pretrained is not installed')
    return LPIPSReconstructionLoss(loss_weight=0.5, variant='shift_tolerant', trunk=request.param)


def test_shift_tolerant_sums_its_distances(tolerant):
    a, b, c, whole, part = (torch.rand(2, 3, 64, 64) * 2 - 1 for _ in range(5))
    network = tolerant.perceptual
    joint = [x.clone().requires_grad_() for x in (a, b, c)]
    total = tolerant(joint, [whole, whole, part])
    alone = [x.clone().requires_grad_() for x in (a, b, c)]
    pairs = zip(alone, (whole, whole, part), strict=True)
    expected = 0.5 * sum(network(x, y).sum() for x, y in pairs)
    assert total.item() == pytest.approx(expected.item(), rel=1e-5)
    total.backward()
    expected.backward()
    for x, y in zip(joint, alone, strict=True):
        torch.testing.assert_close(x.grad, y.grad, atol=1e-6, rtol=1e-4)


def test_shift_tolerant_keeps_the_hash_alone(tolerant):
    assert list(tolerant.state_dict()) == ['perceptual.weights_sha256']
    assert not list(tolerant.parameters())
    moved = copy.deepcopy(tolerant).double()
    assert moved._frozen[0] is moved.perceptual.network is not tolerant.perceptual.network
    x = torch.rand(1, 3, 64, 64, dtype=torch.float64)
    assert moved([x], [-x]).dtype == torch.float64


def test_a_lazy_loss_counts_for_the_steps_between(vgg_file):
    a, b = torch.rand(2, 1, 3, 32, 32)
    each, every_fourth = (
        LPIPSReconstructionLoss(backbone_weights=vgg_file, interval=k)([a], [b]) for k in (1, 4)
    )
    assert every_fourth.item() == pytest.approx(4 * each.item(), rel=1e-6)
    with pytest.raises(ValueError, match='interval must be a positive integer, got 0'):
        LPIPSReconstructionLoss(interval=0)


def test_refuses_a_variant_and_a_trunk():
    with pytest.raises(ValueError, match="variant must be 'lpips' or 'shift_tolerant', got 'st'"):
        LPIPSReconstructionLoss(variant='st')
    with pytest.raises(ValueError, match="trunk must be 'vgg' with variant 'lpips', got 'alex'"):
        LPIPSReconstructionLoss(trunk='alex')
    with pytest.raises(ValueError, match="trunk must be 'vgg' or 'alex', got 'squeeze'"):
        LPIPSReconstructionLoss(variant='shift_tolerant', trunk='squeeze')
