import numpy as np
import pytest
import pywt
import torch

from mmfncontra.models.losses.wavelet_l1_loss import WaveletL1Loss
from mmfncontra.registry import MODELS


def pairs(*shapes, dtype=torch.float64):
    generator = torch.Generator().manual_seed(2)
    return tuple(
        [torch.rand(s, dtype=dtype, generator=generator) * 2 - 1 for s in shapes] for _ in range(2)
    )


def oracle(reconstructions, targets, wavelet, levels):
    total = 0.0
    for r, t in zip(reconstructions, targets, strict=True):
        for a, b in zip(r.numpy(), t.numpy(), strict=True):
            padding = [(0, 0)] + [(0, -side % 2**levels) for side in a.shape[1:]]
            a, b = (np.pad(z, padding, mode='symmetric') for z in (a, b))
            p, q = (pywt.wavedec2(z, wavelet, 'periodization', levels) for z in (a, b))
            total += np.abs(p[0] - q[0]).mean() / 2**levels
            for j in range(1, levels + 1):  # level 1 is the last, the finest
                total += np.abs(np.array(p[-j]) - np.array(q[-j])).mean() / 2**j
    return total


@pytest.mark.filterwarnings('ignore:Level value')
@pytest.mark.parametrize('wavelet', ['haar', 'db2', 'bior2.2'])
@pytest.mark.parametrize('levels', [1, 4])
def test_equals_a_plain_loop(wavelet, levels):
    reconstructions, targets = pairs((4, 3, 32, 32), (4, 3, 32, 48), (2, 3, 19, 22))
    loss = WaveletL1Loss(wavelet, levels, loss_weight=0.5)(reconstructions, targets)
    assert loss.shape == ()
    expected = 0.5 * oracle(reconstructions, targets, wavelet, levels)
    np.testing.assert_allclose(loss.item(), expected, rtol=1e-10)


def test_terms_have_image_units():
    # A constant offset is in LL alone, a checkerboard in the finest HH alone (1 of 3 orientations).
    target = torch.zeros(5, 3, 16, 16)
    checkerboard = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(8, 8)
    loss = WaveletL1Loss()
    torch.testing.assert_close(loss([target + 0.25], [target]), torch.tensor(5 * 0.25))
    torch.testing.assert_close(loss([target + checkerboard], [target]), torch.tensor(5 / 3))
    assert loss([target], [target]) == 0


def test_gradient():
    reconstructions, targets = pairs((1, 3, 8, 8))
    loss = WaveletL1Loss(levels=2)
    x = reconstructions[0].requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss([x], targets), x)


def test_descends_to_the_target():
    _, targets = pairs((2, 3, 16, 16), dtype=torch.float32)
    x = torch.zeros(2, 3, 16, 16, requires_grad=True)
    loss, optimizer = WaveletL1Loss(levels=2), torch.optim.Adam([x], lr=0.05)
    first = loss([x], targets).item()
    for _ in range(200):
        optimizer.zero_grad()
        value = loss([x], targets)
        value.backward()
        optimizer.step()
    assert value.item() < 0.1 * first


def test_half_precision_gives_a_float32_loss():
    reconstructions, targets = pairs((2, 3, 16, 16))
    loss = WaveletL1Loss()
    half = loss([r.bfloat16() for r in reconstructions], targets)
    low = loss([r.bfloat16() for r in reconstructions], [t.float() for t in targets])
    assert low.dtype == torch.float32
    torch.testing.assert_close(half, low.double())


def test_a_lazy_loss_counts_for_the_steps_between():
    r, t = torch.randn(2, 2, 3, 16, 16)
    assert WaveletL1Loss(interval=4)([r], [t]).item() == 4 * WaveletL1Loss()([r], [t]).item()


def test_interface():
    assert WaveletL1Loss.inputs == ('reconstructions', 'targets')
    loss = MODELS.build(dict(type='WaveletL1Loss', wavelet='db2', levels=2, loss_weight=2.0))
    assert not list(loss.parameters()) and not loss.state_dict()
    assert "wavelet='db2', levels=2, loss_weight=2.0" in repr(loss)


def test_refusals():
    with pytest.raises(ValueError, match='levels must be a positive integer, got 0'):
        WaveletL1Loss(levels=0)
    with pytest.raises(ValueError, match='loss_weight must be 0 or more, got -1'):
        WaveletL1Loss(loss_weight=-1)
    with pytest.raises(ValueError, match='interval must be a positive integer, got 0'):
        WaveletL1Loss(interval=0)
    with pytest.raises(ValueError, match="wavelet='har'"):
        WaveletL1Loss('har')
    loss, x = WaveletL1Loss(), torch.zeros(1, 3, 16, 16)
    with pytest.raises(ValueError, match='2 reconstructions and 1 targets'):
        loss([x, x], [x])
    with pytest.raises(ValueError, match='0 reconstructions'):
        loss([], [])
    with pytest.raises(ValueError, match='must have the same shape'):
        loss([x], [x[..., :8]])
    with pytest.raises(ValueError, match=r'levels=4 .* got 16x8: use levels<=3'):
        loss([x[..., :8]], [x[..., :8]])
