import pytest
import torch
from torch import nn

from mmfncontra.models.losses import PathLengthPenalty


class StyleToy(nn.Module):
    """A smooth generator with mmagic's interface for path lengths."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(12, 20).double()
        self.last = nn.Linear(20, 3 * 4 * 6).double()

    def latents(self, count):
        return torch.randn(count, 3, 4, dtype=torch.float64, requires_grad=True)

    def images(self, latents):
        return self.last(self.first(latents.flatten(1)).tanh()).view(-1, 3, 4, 6)

    def forward(self, noise, num_batches, return_latents):
        assert noise is None and return_latents
        latents = self.latents(num_batches)
        return dict(fake_img=self.images(latents), latent=latents)


def test_equals_mmagic_with_gradients_over_steps():
    from mmfncontra.compat.prepare_mmagic import prepare_mmagic

    prepare_mmagic()
    from mmagic.models.losses.gan_loss import gen_path_regularizer

    generator, penalty = StyleToy(), PathLengthPenalty(weight=2.0, interval=4, decay=0.1)
    their_mean = torch.zeros(())
    for seed in range(3):
        torch.manual_seed(seed)
        theirs, their_mean, _ = gen_path_regularizer(generator, 4, their_mean, 1, 0.1, 2.0 * 4)
        torch.manual_seed(seed)
        latents = generator.latents(4)
        ours = penalty(path_images=generator.images(latents), latents=latents)
        assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)
        assert penalty.mean_path_length.item() == pytest.approx(their_mean.item(), rel=1e-6)
        parameters = tuple(generator.parameters())
        for mine, other in zip(
            torch.autograd.grad(ours, parameters, allow_unused=True),
            torch.autograd.grad(theirs, parameters, allow_unused=True),
            strict=True,
        ):
            assert (mine is None) == (other is None)  # a bias of the last layer moves no path
            if mine is not None:
                torch.testing.assert_close(mine, other, rtol=1e-6, atol=1e-9)


def test_length_of_a_linear_generator_is_the_norm_of_its_matrix():
    # y is drawn as in the penalty; images = A w, so J^T y = A^T y for each of the layers.
    matrix = torch.randn(3 * 4 * 4, 5, dtype=torch.float64)
    latents = torch.randn(6, 2, 5, dtype=torch.float64, requires_grad=True)
    images = (latents.sum(dim=1) @ matrix.T).view(6, 3, 4, 4)
    torch.manual_seed(3)
    penalty = PathLengthPenalty(weight=1.0, interval=1, decay=1.0)
    value = penalty(path_images=images, latents=latents)
    torch.manual_seed(3)
    noise = torch.randn(6, 48, dtype=torch.float64) / 4
    lengths = [(matrix.T @ y).square().sum().sqrt().item() for y in noise]
    mean = sum(lengths) / 6
    assert penalty.mean_path_length.item() == pytest.approx(mean, rel=1e-6)
    assert value.item() == pytest.approx(sum((n - mean) ** 2 for n in lengths) / 6, rel=1e-6)


def test_mean_is_saved_and_carries_no_graph():
    penalty, generator = PathLengthPenalty(), StyleToy()
    latents = generator.latents(2)
    penalty(path_images=generator.images(latents), latents=latents).backward()
    assert not penalty.mean_path_length.requires_grad and penalty.mean_path_length > 0
    assert list(penalty.state_dict()) == ['mean_path_length']


def test_mean_of_all_ranks_with_the_gradient_of_this_one(monkeypatch):
    monkeypatch.setattr(
        'mmfncontra.models.losses.path_length_penalty.all_reduce',
        lambda length, op: length.add_(3.0).div_(2),  # a second rank's paths are 3 long
    )
    # Images scale * w on a single pixel: lengths are scale * |y|.
    scale = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    latents = torch.randn(4, 1, 3, dtype=torch.float64, requires_grad=True)
    penalty = PathLengthPenalty(weight=1.0, interval=1, decay=0.5)
    torch.manual_seed(5)
    value = penalty(path_images=(scale * latents).view(4, 3, 1, 1), latents=latents)
    torch.manual_seed(5)
    norms = torch.randn(4, 3, dtype=torch.float64).norm(dim=1)
    mean = 0.5 * (2 * norms.mean() + 3) / 2
    slope = (2 * (2 * norms - mean) * (norms - 0.5 * norms.mean())).mean()
    assert penalty.mean_path_length.item() == pytest.approx(mean.item())
    assert value.item() == pytest.approx((2 * norms - mean).square().mean().item())
    assert torch.autograd.grad(value, scale)[0].item() == pytest.approx(slope.item())


@pytest.mark.parametrize(
    'argument', [dict(weight=0.0), dict(interval=0), dict(decay=0.0), dict(batch_shrink=0)]
)
def test_refuses(argument):
    with pytest.raises(ValueError, match=f'{next(iter(argument))} must be'):
        PathLengthPenalty(**argument)
