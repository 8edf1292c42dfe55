"""Two ranks with half of a batch each do what one rank does with the whole of it."""

import numpy as np
import pytest
import torch
from commands import run_python
from mmengine.dist import get_rank, get_world_size
from mmengine.registry import DefaultScope
from ssl_models import SSL, build_ssl_model, ssl_config
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


def labels_of_features():
    from projects.ssl import extract_features

    config = ssl_config('simclr_digits')
    model = build_ssl_model(dict(config.model, data_preprocessor=config.data_preprocessor))
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        _, labels = extract_features(model, dict(config.custom_hooks[0].test, indices=7))
    return labels


def test_every_rank_probes_all_images(tmp_path):
    for labels in on_two_ranks(labels_of_features, folder=tmp_path):
        assert np.array_equal(labels, labels_of_features()) and len(labels) == 7


def test_torchrun_starts_it_on_machines_without_a_gpu(tmp_path):
    if torch.cuda.is_available():
        pytest.skip('this machine has a GPU')
    options = ['train_cfg.max_epochs=1', 'train_dataloader.dataset.indices=64']
    options += ['train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False']
    options += ['train_dataloader.batch_size=16']
    done = run_python(
        *('-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=2'),
        *(SSL / 'train.py', SSL / 'configs' / 'simclr-dcl_digits.py'),
        *('--launcher', 'pytorch', '--cfg-options', *options),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    # 32 images of each rank.
    assert '[1][2/2]' in done.stdout
    assert done.stdout.count('done: work_dirs/ssl/') == 1
    assert (tmp_path / 'work_dirs/ssl/simclr-dcl_digits/epoch_1.pth').is_file()
