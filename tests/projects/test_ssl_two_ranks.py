"""Two ranks with half of a batch each do what one rank does with the whole of it."""

import pytest
import torch
from mmengine.dist import get_rank, get_world_size
from ssl_models import build_ssl_model, ssl_config
from torch import nn
from two_ranks import on_two_ranks

WHOLE = 8
OBJECTIVES = (
    dict(type='mmfncontra.InfoNCE'),
    dict(type='mmfncontra.DCL'),
    dict(type='mmfncontra.DCLW', sigma=0.3),
    dict(type='mmfncontra.DebiasedInfoNCE', class_prior=0.2, hardness=0.5),
)


class Neck(nn.Module):
    """Without batch normalisation, whose statistics are those of a rank."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.linear = nn.Linear(12, 5, dtype=torch.float64)

    def forward(self, images):
        return (self.linear(images),)


def losses_and_gradients(views):
    results = []
    for objective in OBJECTIVES:
        config = ssl_config('simclr_digits').model
        model = build_ssl_model(dict(config, type='ContrastSimCLR', objective=objective))
        model.backbone, model.neck = nn.Flatten(), Neck()
        own = [view.split(WHOLE // get_world_size())[get_rank()] for view in views]
        loss = model.loss(own, [])['loss']
        gradients = torch.autograd.grad(loss, list(model.neck.parameters()))
        results.append((loss.detach(), *gradients))
    return results


def test_simclr_on_two_ranks_is_that_of_the_whole_batch(tmp_path):
    views = [torch.randn(WHOLE, 3, 2, 2, dtype=torch.float64) for _ in range(2)]
    halves = on_two_ranks(losses_and_gradients, views, folder=tmp_path)
    for one, two, both in zip(*halves, losses_and_gradients(views), strict=True):
        for a, b, whole in zip(one, two, both, strict=True):
            # A distributed wrapper takes the mean over ranks.
            torch.testing.assert_close((a + b) / 2, whole)
        assert float(one[0]) != pytest.approx(float(two[0]))
