import numpy as np
import pytest
import torch

from mmfncontra.models.layers import ChainNorm

CALLS = (('dreal', 'real'), ('dreal', 'real'), ('dfake', 'fake'), ('gfake', 'generator'))


def layer_at(p, channels=4, form='batch', stream='real'):
    layer = ChainNorm(channels, form)
    layer.enter(stream, torch.tensor(float(p)))
    return layer


def buffers(layer):
    return {name: value.clone() for name, value in layer.state_dict().items()}


@pytest.mark.parametrize('form', ['batch', 'cumulative'])
def test_reference_calls(golden, form):
    reference = np.load(golden('chain.npz'))
    layer = ChainNorm(8, form)
    for call, (name, stream) in enumerate(CALLS):

        def read(what, key=f'{form}_{call}_{name}_'):
            return torch.from_numpy(reference[key + what])

        layer.enter(stream, torch.ones(()))
        x = read('x').requires_grad_()
        y = layer(x)
        y.backward(read('grad_out'))
        torch.testing.assert_close(y, read('y'), atol=1e-5, rtol=0)
        torch.testing.assert_close(x.grad, read('grad_in'), atol=1e-5, rtol=0)
        loss = 20 * (1 + 0.1) * sum(layer.pop_zero_mean(), torch.zeros(()))
        torch.testing.assert_close(loss, read('zero_mean_loss'), atol=1e-5, rtol=1e-6)


@pytest.mark.parametrize('form', ['batch', 'cumulative'])
def test_zero_strength_is_the_identity(form):
    layer = layer_at(0, form=form)
    x = torch.randn(3, 4, 5, 5, requires_grad=True)
    gradient = torch.randn(3, 4, 5, 5)
    for mode in (True, False):
        x.grad = None
        y = layer.train(mode)(x)
        y.backward(gradient)
        assert torch.equal(y, x)
        assert y.data_ptr() != x.data_ptr()  # an activation in place leaves the input alone
        assert torch.equal(x.grad, gradient)


@pytest.mark.parametrize('form', ['batch', 'cumulative'])
def test_plain_loop(form):
    """Where the mask is drawn the channel is divided by its root mean square, elsewhere kept."""
    layer = layer_at(0.5, form=form)
    x = torch.randn(6, 4, 5, 5)
    y = layer(x)
    squares = [x[:, c].square().mean().item() for c in range(4)]
    if form == 'cumulative':
        squares = [0.9 + 0.1 * square for square in squares]
    lowest = min(square if form == 'cumulative' else square + 1e-5 for square in squares) ** 0.5
    drawn = []
    for b in range(6):
        for c in range(4):
            normed = x[b, c] / (squares[c] + 1e-5) ** 0.5 * lowest
            wanted = normed if not torch.equal(y[b, c], x[b, c]) else x[b, c]
            torch.testing.assert_close(y[b, c], wanted, atol=1e-6, rtol=0)
            drawn.append(not torch.equal(y[b, c], x[b, c]))
    assert 4 <= sum(drawn) <= 20


def test_share_of_normalised_maps_is_p():
    layer = layer_at(0.3, channels=50)
    x = torch.randn(200, 50, 2, 2)
    changed = (layer(x) != x).flatten(2).any(2).float().mean().item()
    assert changed == pytest.approx(0.3 * 49 / 50, abs=0.02)  # the least channel stays what it is


def test_batch_form_is_differentiable_twice():
    layer = layer_at(0.5).double()
    x = torch.randn(2, 4, 3, 3, dtype=torch.float64, requires_grad=True)
    with torch.no_grad():
        lowest = (x.square().mean((0, 2, 3)) + 1e-5).sqrt().min()

    def arms(x):  # the minimum carries no gradient, so differences must hold it fixed as well
        torch.manual_seed(1)
        y, least = layer(x), (x.square().mean((0, 2, 3)) + 1e-5).sqrt().min().detach()
        torch.manual_seed(1)
        mask = torch.rand(2, 4, 1, 1) < 0.5
        return torch.where(mask, y * (lowest / least), y)

    assert torch.autograd.gradcheck(arms, x)
    assert torch.autograd.gradgradcheck(arms, x)


def test_cumulative_form_refuses_to_be_differentiated_twice():
    layer = layer_at(1, form='cumulative')
    x = torch.randn(2, 4, 3, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"differentiated twice.*form='batch'"):
        torch.autograd.grad(layer(x).sum(), x, create_graph=True)
    assert not layer.projection.any()


def test_streams_have_averages_of_their_own():
    layer = layer_at(1, form='cumulative')
    moved = []
    for stream in ('real', 'fake', 'generator'):
        before = buffers(layer)
        layer.enter(stream, torch.ones(()))
        x = 3 * torch.randn(2, 4, 3, 3, requires_grad=True)
        layer(x).square().sum().backward()
        moved.append(
            [
                (layer.get_buffer(name) != before[name]).any(1).tolist()
                for name in ('mean_square', 'projection')
            ]
        )
    assert moved == [
        [[True, False], [True, False, False]],
        [[False, True], [False, True, False]],
        [[False, True], [False, False, True]],
    ]


@pytest.mark.parametrize('training', [True, False])
def test_no_updates_without_gradients_or_in_evaluation(training):
    layer = layer_at(1, form='cumulative')
    x = torch.randn(2, 4, 3, 3, requires_grad=True)
    layer(x).sum().backward()
    before, measured = buffers(layer), layer.zero_mean['real']
    layer.train(training)
    with torch.set_grad_enabled(not training):
        y = layer(2 * x + 1)
    if not training:
        y.sum().backward()
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
    assert layer.zero_mean == dict(real=measured)


def test_evaluation_takes_the_mean_of_the_mask():
    layer = layer_at(0.25).eval()
    x = torch.randn(2, 4, 3, 3)
    y = layer(x)
    psi = (x.square().mean((0, 2, 3), keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(y, 0.75 * x + 0.25 * x / psi * psi.min())


@pytest.mark.parametrize('form', ['batch', 'cumulative'])
def test_statistics_of_half_precision_are_taken_in_float32(form):
    x = (0.01 * torch.randn(4, 8, 16, 16) + 300).bfloat16()
    gradient = torch.randn(4, 8, 16, 16).bfloat16()
    results = []
    for kind in (torch.bfloat16, torch.float32):
        layer = layer_at(1, channels=8, form=form)
        images = x.detach().to(kind).requires_grad_()
        with torch.autocast('cpu', torch.bfloat16):
            y = layer(images)
        y.backward(gradient.to(kind))
        assert y.dtype == images.grad.dtype == kind
        results.append((y.float(), images.grad.float(), layer.zero_mean['real']))
    for half, full in zip(*results, strict=True):
        torch.testing.assert_close(half, full, atol=2e-2, rtol=1e-2)
    assert results[0][2].dtype == torch.float32
    torch.testing.assert_close(results[0][2], results[1][2])


def test_first_pass_with_gradients_is_measured():
    layer = layer_at(1)
    x = torch.randn(2, 4, 3, 3, requires_grad=True)
    with torch.no_grad():
        layer(x)
    assert not layer.zero_mean
    layer(x)
    layer(x + 1)
    (term,) = layer.pop_zero_mean()
    torch.testing.assert_close(term, x.mean((0, 2, 3)).square().sum())
    layer(x)
    assert not layer.zero_mean
    layer.enter('generator', torch.ones(()))
    layer(x)
    assert not layer.zero_mean


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(num_features=0), 'num_features must be a positive integer, got 0'),
        (dict(form='layer'), r"form must be one of \('batch', 'cumulative'\), got 'layer'"),
        (dict(decay=1.0), r'decay must be in \[0, 1\), got 1.0'),
        (dict(eps=0.0), 'eps must be positive, got 0.0'),
    ],
)
def test_refused_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ChainNorm(**{'num_features': 4, **arguments})


def test_refused_stream():
    with pytest.raises(ValueError, match=r"stream must be one of .*got 'latent'"):
        ChainNorm(4).enter('latent', torch.ones(()))
