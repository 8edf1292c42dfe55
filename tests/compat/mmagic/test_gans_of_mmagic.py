"""DCGAN, SNGAN and SAGAN: a step of training, sampling and the way into a checkpoint and back."""

import copy

import pytest
import torch
from mmengine import MessageHub

pytestmark = pytest.mark.slow
SIZE = 32
SPECTRAL = dict(base_channels=8, num_classes=2)
MODELS = {
    'DCGAN': dict(
        generator=dict(type='DCGANGenerator', output_scale=SIZE, base_channels=16),
        discriminator=dict(
            type='DCGANDiscriminator',
            input_scale=SIZE,
            output_scale=4,
            out_channels=1,
            base_channels=8,
        ),
        noise_size=100,
    ),
    'SNGAN': dict(
        generator=dict(type='SNGANGenerator', output_scale=SIZE, **SPECTRAL),
        discriminator=dict(type='ProjDiscriminator', input_scale=SIZE, **SPECTRAL),
        num_classes=2,
    ),
    'SAGAN': dict(
        generator=dict(
            type='SAGANGenerator',
            output_scale=SIZE,
            attention_after_nth_block=2,
            with_spectral_norm=True,
            **SPECTRAL,
        ),
        discriminator=dict(
            type='SAGANDiscriminator', input_scale=SIZE, attention_after_nth_block=1, **SPECTRAL
        ),
        num_classes=2,
    ),
}


@pytest.mark.parametrize('name', MODELS)
def test_trains_and_samples(build, samples, optimise, check_step, name):
    kind = 'DCGAN' if name == 'DCGAN' else 'SAGAN'
    preprocessor = dict(type='mmagic.DataPreprocessor')

    def make():
        return build(kind, data_preprocessor=preprocessor, **copy.deepcopy(MODELS[name]))

    model = make()
    model.init_weights()
    optimisers = optimise(model)
    MessageHub.get_instance(f'steps of {name}').update_info('iter', 0)
    images = torch.randint(0, 256, (4, 3, SIZE, SIZE), dtype=torch.uint8)
    data = dict(inputs=dict(num_batches=4), data_samples=samples(images))
    losses = {'loss_disc_fake', 'loss_disc_real', 'loss_gen'}
    # A second one too: attention starts with a gain of zero, which hides what is under it.
    model.train_step(copy.deepcopy(data), optimisers)
    check_step(model, data, optimisers, ('generator', 'discriminator'), losses)

    model.eval()
    other = make().eval()
    other.load_state_dict(model.state_dict())
    noise = torch.randn(2, model.noise_size)
    drawn = []
    for each in (model, other):
        torch.manual_seed(0)  # of the labels
        drawn.append(each(dict(noise=noise)))
    for one, same in zip(*drawn, strict=True):
        assert one.fake_img.shape == (3, SIZE, SIZE) and one.fake_img.equal(same.fake_img)
        assert one.fake_img.min() >= 0 and one.fake_img.max() <= 255
