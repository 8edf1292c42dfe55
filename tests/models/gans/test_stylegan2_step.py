"""One step of ours equals one of mmagic's own StyleGAN2."""

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from optimisers import optimisers

from mmfncontra.compat.prepare_mmagic import prepare_mmagic
from mmfncontra.registry import MODELS

prepare_mmagic()
from mmagic.models.editors.stylegan2 import stylegan2 as mmagic_stylegan2  # noqa: E402
from mmagic.registry import MODELS as MMAGIC_MODELS  # noqa: E402
from mmagic.structures import DataSample  # noqa: E402

import mmfncontra.models.gans  # noqa: E402, F401

pytestmark = pytest.mark.usefixtures('default_scope')
SIZE, BATCH = 8, 4
GENERATOR = dict(out_size=SIZE, style_channels=16, num_mlps=2, mix_prob=0.0)


class Recorder(OptimWrapper):
    """Keeps the gradients of each step."""

    def step(self, **kwargs):
        params = [p for group in self.optimizer.param_groups for p in group['params']]
        self.gradients = [None if p.grad is None else p.grad.clone() for p in params]
        super().step(**kwargs)


@pytest.mark.parametrize('iteration', [0, 4])
def test_one_step_equals_mmagic(monkeypatch, iteration):
    """Losses and gradients, R1 and path lengths due (0) or path lengths alone (4)."""
    torch.manual_seed(0)
    theirs = MMAGIC_MODELS.build(
        dict(
            type='StyleGAN2',
            _scope_='mmagic',
            data_preprocessor=dict(type='DataPreprocessor'),
            generator=dict(type='StyleGAN2Generator', **GENERATOR),
            discriminator=dict(type='StyleGAN2Discriminator', in_size=SIZE),
            loss_config=dict(
                r1_loss_weight=10 / 2 * 16,
                r1_interval=16,
                norm_mode='HWC',
                g_reg_interval=4,
                g_reg_weight=2 * 4,
                pl_batch_shrink=2,
            ),
        )
    )
    ours = MODELS.build(
        dict(
            type='LimitedDataGAN',
            generator=dict(type='StyleGAN2Generator', **GENERATOR),
            discriminator=dict(type='mmagic.StyleGAN2Discriminator', in_size=SIZE),
            adversarial_loss=dict(type='LogisticGANLoss'),
            disc_auxiliary_losses=dict(r1=dict(type='R1Penalty', gamma=10.0, interval=16)),
            gen_auxiliary_losses=dict(path=dict(type='PathLengthPenalty', weight=2.0, interval=4)),
        )
    )
    w_avg = ours.generator.w_avg
    ours.generator.load_state_dict({**theirs.generator.state_dict(), 'w_avg': w_avg})
    ours.discriminator.load_state_dict(theirs.discriminator.state_dict())
    images = torch.randint(0, 256, (BATCH, 3, SIZE, SIZE), dtype=torch.uint8)
    noise = torch.randn(BATCH, 16)
    MessageHub.get_current_instance().update_info('iter', iteration)

    # The same noise for the batch and inside the generator, and the same draws for path lengths.
    def the_noise(*args, **kwargs):
        torch.manual_seed(3)
        return noise

    monkeypatch.setattr(theirs, 'noise_fn', the_noise)
    regularise = mmagic_stylegan2.gen_path_regularizer

    def seeded(*args, **kwargs):
        torch.manual_seed(7)
        return regularise(*args, **kwargs)

    monkeypatch.setattr(mmagic_stylegan2, 'gen_path_regularizer', seeded)
    their_optimisers = optimisers(theirs, torch.optim.SGD, Recorder)
    sample = DataSample.stack([DataSample(gt_img=x / 127.5 - 1) for x in images.float()])
    expected = theirs.train_discriminator({}, sample, their_optimisers['discriminator'])
    for p in theirs.discriminator.parameters():
        p.requires_grad_(False)
    expected |= theirs.train_generator({}, sample, their_optimisers['generator'])

    path_tensors = ours._path_tensors

    def seeded_path(*args):
        torch.manual_seed(7)
        return path_tensors(*args)

    monkeypatch.setattr(ours, '_path_tensors', seeded_path)
    monkeypatch.setattr(
        'mmfncontra.models.gans.limited_data_gan.torch.randn',
        lambda *size, **kwargs: the_noise() if size[0] == BATCH else torch.empty(size).normal_(),
    )
    our_optimisers = optimisers(ours, torch.optim.SGD, Recorder)
    logs = ours.train_step(dict(inputs=list(images)), our_optimisers)
    monkeypatch.undo()

    names = dict(loss_real='loss_disc_real', loss_fake='loss_disc_fake', loss_adv='loss_gen')
    names |= dict(loss_r1='loss_r1_gp') if iteration == 0 else {}
    names |= dict(loss_path='loss_path_regular') if iteration % 4 == 0 else {}
    for our_name, their_name in names.items():
        torch.testing.assert_close(logs[our_name], expected[their_name], rtol=1e-5, atol=1e-5)
    assert {name for name in logs if name in ('loss_r1', 'loss_path')} == {
        name for name in names if name in ('loss_r1', 'loss_path')
    }
    for network in ('discriminator', 'generator'):
        ours_by_param = our_optimisers[network].gradients
        theirs_by_param = their_optimisers[network].gradients
        assert len(ours_by_param) == len(theirs_by_param) > 10
        for mine, other in zip(ours_by_param, theirs_by_param, strict=True):
            # Of the size of the largest entry: sums over many terms cancel to near 0.
            torch.testing.assert_close(
                mine, other, rtol=1e-5, atol=1e-5 * max(1.0, other.abs().max().item())
            )
