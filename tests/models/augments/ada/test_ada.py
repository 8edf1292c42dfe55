import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mmfncontra.models.augments import ADA
from mmfncontra.registry import MODELS

ALL = ADA.CATEGORIES


def images(batch=4, size=16, dtype=torch.float32):
    return torch.rand(batch, 3, size, size, dtype=dtype) * 2 - 1


def always(categories, **kwargs):
    return ADA(categories, initial=1.0, maximum=1.0, **kwargs)


def seeded(ada, x, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return ada(x)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize('size', [16, 33])
def test_identity_at_p_0(dtype, size):
    x = images(size=size, dtype=dtype)
    y = ADA('bgcfnc')(x)
    assert y.dtype == dtype and torch.equal(y, x)


def test_images_that_nothing_was_drawn_for_are_left_exactly_alone():
    p, n = 0.3, 1500
    x = images().repeat(n // 4, 1, 1, 1)
    y = ADA('geometric', initial=p)(x)
    same = (y == x).flatten(1).all(1).float().mean().item()
    assert same == pytest.approx((1 - p) ** 4, abs=0.04)
    # Images without a geometric transform keep their pixels under blits, values and all.
    y = ADA('bg', initial=p)(x)
    kept = torch.isin(y, x[:4]).flatten(1).all(1).float().mean().item()
    assert kept == pytest.approx((1 - p) ** 4, abs=0.04)


def test_blits_only_move_pixels():
    x = torch.rand(1, 3, 16, 16).expand(50, -1, -1, -1)
    y = always('blit')(x)
    assert (y != x).flatten(1).any(1).float().mean() > 0.9
    # Whole pixels: every colour is one of the image.
    colours = {tuple(c) for c in x[0].flatten(1).T.tolist()}
    assert {tuple(c) for c in y.transpose(0, 1).flatten(1).T.tolist()} <= colours


@pytest.mark.parametrize('category', ALL)
def test_each_image_draws_its_own(category):
    x = images(1).expand(16, -1, -1, -1)
    y = always(category)(x)
    assert y.shape == x.shape and torch.isfinite(y).all()
    assert len({image.numpy().tobytes() for image in y}) > 12


@pytest.mark.parametrize('categories', ['bg', 'color', 'filter', 'noise', 'cutout'])
def test_channels_of_a_grey_image_stay_alike_but_for_noise(categories):
    x = images()[:, :1].expand(-1, 3, -1, -1)
    y = always(categories)(x)
    alike = (y - y[:, :1]).abs().max().item() < 1e-5
    assert alike == (categories != 'noise')


@pytest.mark.parametrize('categories', ['bgcfnc', 'blit', 'geometric'])
def test_both_derivatives_are_right(categories):
    x = images(1, 5, torch.float64).requires_grad_()
    ada = always(categories)
    torch.autograd.gradcheck(lambda x: seeded(ada, x), (x,), fast_mode=True)
    torch.autograd.gradgradcheck(lambda x: seeded(ada, x).pow(3), (x,), fast_mode=True)


def test_the_penalty_on_real_images_reaches_the_discriminator_through_it():
    x = images(2, 16).requires_grad_()
    disc = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Tanh(), torch.nn.Conv2d(4, 1, 3))
    logits = ADA('bgc', initial=0.8)(x)
    (gradient,) = torch.autograd.grad(disc(logits).sum(), x, create_graph=True)
    gradient.square().sum().backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in disc.parameters())
    assert disc[0].weight.grad.abs().sum() > 0


def test_p_follows_the_heuristic_like_a_plain_loop():
    target, kimg, interval, maximum, batch = 0.6, 2.0, 4, 0.05, 8
    ada = ADA(target=target, ada_kimg=kimg, interval=interval, maximum=maximum)
    script = [0.9] * 22 + [0.5, 1.0, 0.5, 0.5] + [0.1] * 10 + [1.0] * 4
    p, window = 0.0, []
    for sign in script:
        logged = ada.observe(torch.tensor(sign), batch)
        window.append(sign)
        if len(window) == interval:
            mean = sum(window) / interval
            p += (1 if mean > target else -1) * batch * interval / (1000 * kimg)
            p, window = min(max(p, 0.0), maximum), []
        assert list(logged) == ['p_ada'] and logged['p_ada'].shape == ()
        assert logged['p_ada'].item() == pytest.approx(p, abs=1e-6)
        assert ada.strength.value.item() == pytest.approx(p, abs=1e-6)
    before = logged['p_ada'].clone()
    ada.strength.value.fill_(0)
    assert torch.equal(logged['p_ada'], before)  # a copy, safe to keep


def test_p_is_saved():
    ada = ADA('bgcfnc', interval=1, ada_kimg=1.0)
    ada.observe(torch.tensor(1.0), 100)
    ada.observe(torch.tensor(1.0), 100)
    other = ADA('bgcfnc')
    other.load_state_dict(ada.state_dict())
    assert other.strength.value.item() == pytest.approx(0.2)
    # Filters are made, not saved: p may go on with other categories.
    assert all(key.startswith('strength.') for key in ada.state_dict())
    ADA('blit').load_state_dict(ada.state_dict())


def test_autocast_does_not_reach_inside():
    ada, x = always('bgcf'), images()
    plain = seeded(ada, x)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(seeded(ada, x), plain)


class NoSynchronisation(TorchDispatchMode):
    """Refuses operators that hand the host a number, or copy constants to the device."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        assert name not in ('_local_scalar_dense', 'nonzero', 'lift_fresh', 'masked_select'), name
        return func(*args, **(kwargs or {}))


def test_nothing_is_read_back_or_sent_to_the_device():
    ada, x, signs = ADA('bgcfnc', initial=0.5), images(), torch.tensor(0.9)
    with NoSynchronisation():
        ada(x)
        ada.observe(signs, 4)
    with pytest.raises(AssertionError, match='_local_scalar_dense'), NoSynchronisation():
        signs.item()


def test_names_of_categories():
    assert ADA().categories == ADA('bgc').categories == ('blit', 'geometric', 'color')
    assert ADA('bg').categories == ('blit', 'geometric')
    assert ADA('bgcf').categories == ALL[:4] and ADA('bgcfn').categories == ALL[:5]
    assert ADA('bgcfnc').categories == ALL
    assert (
        ADA('cutout, blit').categories == ADA(['cutout', 'blit']).categories == ('blit', 'cutout')
    )
    assert 'filter' in repr(ADA('filter'))
    built = MODELS.build(dict(type='mmfncontra.ADA', categories='bgc', ada_kimg=100.0))
    assert isinstance(built, ADA)


@pytest.mark.parametrize('categories', ['blur', '', 'bgf', ['blit', 'blit'], []])
def test_a_wrong_category_lists_the_valid_ones(categories):
    with pytest.raises(ValueError, match=r"some of \['blit', .* 'cutout'\], each once, or one of"):
        ADA(categories)


def test_refuses():
    with pytest.raises(ValueError, match=r'maximum must be in \(0, 1\], got 1.5'):
        ADA(maximum=1.5)
    with pytest.raises(ValueError, match=r'initial must be in \[0, 0.8\], got 0.9'):
        ADA(initial=0.9)
    with pytest.raises(ValueError, match='ada_kimg must be positive, got 0'):
        ADA(ada_kimg=0)
    with pytest.raises(ValueError, match=r'images must be \(B, 3, S, S\), got \(2, 3, 8, 16\)'):
        ADA()(torch.zeros(2, 3, 8, 16))
    with pytest.raises(TypeError, match='floating-point'):
        ADA()(torch.zeros(2, 3, 16, 16, dtype=torch.uint8))
