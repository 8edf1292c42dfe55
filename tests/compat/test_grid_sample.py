import pytest
import torch
import torch.nn.functional as F

from mmfncontra.compat.grid_sample import grid_sample


def problem(dtype=torch.float64):
    images = torch.randn(2, 3, 5, 4, dtype=dtype, requires_grad=True)
    grid = 3 * torch.rand(2, 3, 6, 2, dtype=dtype) - 1.5  # also outside
    return images, grid


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_equals_torch_and_its_gradient(dtype):
    images, grid = problem(dtype)
    ours = grid_sample(images, grid)
    theirs = F.grid_sample(images, grid, align_corners=False)
    assert torch.equal(ours, theirs)
    weights = torch.randn_like(ours)
    gradients = [torch.autograd.grad((out * weights).sum(), images)[0] for out in (ours, theirs)]
    torch.testing.assert_close(*gradients)


def test_both_derivatives_are_right():
    images, grid = problem()
    torch.autograd.gradcheck(lambda x: grid_sample(x, grid), (images,))
    torch.autograd.gradgradcheck(lambda x: grid_sample(x, grid), (images,))
    # And the third.
    torch.autograd.gradgradcheck(lambda x: grid_sample(x.square(), grid).pow(3), (images,))


@pytest.fixture
def _deterministic():
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures('_deterministic')
def test_a_deterministic_gradient_is_the_same():
    """Torch's own is refused on a GPU then, so that it is written out."""
    images, grid = problem()
    grid[0, 0, :4] = torch.tensor([[-1, -1], [1, 1], [0.75, -0.8], [7, -9]])  # edges, middles
    weights = torch.randn(2, 3, 3, 6, dtype=torch.float64)
    (ours,) = torch.autograd.grad((grid_sample(images, grid) * weights).sum(), images)
    torch.use_deterministic_algorithms(False)
    (theirs,) = torch.autograd.grad((grid_sample(images, grid) * weights).sum(), images)
    torch.testing.assert_close(ours, theirs)
    torch.use_deterministic_algorithms(True)
    torch.autograd.gradgradcheck(lambda x: grid_sample(x, grid), (images,))


def test_a_gradient_without_memory_of_its_own():
    images, grid = problem()
    (gradient,) = torch.autograd.grad(grid_sample(images, grid).sum(), images)
    torch.testing.assert_close(
        gradient.sum(), grid_sample(torch.ones_like(images), grid).sum(), rtol=1e-12, atol=0
    )


def test_a_gradient_penalty_reaches_the_weights():
    images, grid = problem()
    weight = torch.randn(3, dtype=torch.float64, requires_grad=True)

    def penalty(weight):
        logits = torch.einsum('bchw,c->bhw', grid_sample(images, grid), weight).square()
        (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
        return gradient.square().sum()

    torch.autograd.gradcheck(penalty, (weight,))


def test_refuses():
    images, grid = problem()
    with pytest.raises(ValueError, match='grid must not require a gradient'):
        grid_sample(images, grid.requires_grad_())
    with pytest.raises(ValueError, match=r'images must be \(B, C, H, W\) and grid .* got \(2, 3'):
        grid_sample(images, grid.detach()[:1])
    with pytest.raises(ValueError, match='of the same dtype'):
        grid_sample(images, grid.detach().float())
