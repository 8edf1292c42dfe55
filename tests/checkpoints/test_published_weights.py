import logging
from functools import cache

import pytest
import torch

from mmfncontra.checkpoints.file import load_checkpoint_file
from mmfncontra.checkpoints.match_weights import match_weights
from mmfncontra.checkpoints.published_weights import adapt_published_weights
from mmfncontra.engine import TrainingRunner
from mmfncontra.models.gans import HalfLifeEMA, LimitedDataGAN

WIDE = dict(style_channels=16, num_mlps=2, channel_multiplier=1)


@cache
def shapes(size):
    """Names and shapes of mmagic's networks at a size, without their weights."""
    from mmagic.models.editors.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator

    with torch.device('meta'):
        generator = StyleGAN2Generator(size, **WIDE)
        discriminator = StyleGAN2Discriminator(size, channel_multiplier=1)
    return tuple(
        {name: tuple(value.shape) for name, value in network.state_dict().items()}
        for network in (generator, discriminator)
    )


def weights(size, first=1.0, **prefixes):
    """State dict of a GAN; every tensor is one number of its own, which takes no room.

    Args:
        size: Side of the images.
        first: The first number.
        **prefixes: What is before the names of networks: ``generator``, ``ema``, ``discriminator``.
    """
    generator, discriminator = shapes(size)
    parts = dict(generator=generator, ema=generator, discriminator=discriminator)
    names = {
        prefix + name: shape
        for part, prefix in prefixes.items()
        for name, shape in parts[part].items()
    }
    return {
        name: torch.tensor(first + i).expand(shape) for i, (name, shape) in enumerate(names.items())
    }


OURS = dict(generator='generator.', ema='generator_ema.module.', discriminator='discriminator.')
MMGENERATION = {**OURS, 'ema': 'generator_ema.'}


def model(size, **prefixes):
    state = weights(size, -9000.0, **{**OURS, **prefixes})
    return {**state, 'generator_ema.steps': torch.tensor(0)}


@pytest.mark.parametrize('wrapper', ['', 'module.'])
def test_mmgeneration_of_the_same_size(wrapper):
    state = weights(32, **MMGENERATION)
    extra = {'mean_path_length': 0.0, 'discriminator.ada_aug.aug_pipeline.p': 0.3, 'iteration': 7}
    extra = {name: torch.tensor(value) for name, value in extra.items()}
    expected = model(32)
    file = {wrapper + name: value for name, value in {**state, **extra}.items()}
    match = match_weights(file, expected, rename=True)
    assert match.is_exact and match.describe() == ''
    for name in expected:
        there = name.replace('generator_ema.module.', 'generator_ema.')
        assert name == 'generator_ema.steps' or match.weights[name] is state[there]
    assert match.weights['generator_ema.steps'] > 0
    strict = match_weights(file, expected, rename=False)
    assert not strict.is_exact


def test_the_average_of_the_file_goes_on():
    """At 0 steps, or in the ramp-up of the half-life, the generator would replace it."""
    match = match_weights(weights(32, **MMGENERATION), model(32), rename=True)
    net = torch.nn.Linear(1, 1)
    ema = HalfLifeEMA(net, half_life_kimg=2.5)
    ema.load_state_dict({**ema.state_dict(), 'steps': match.weights['generator_ema.steps']})
    ema.images_per_step = 8
    net.weight.data += 1
    before = ema.module.weight.item()
    for _ in range(10):
        ema.update_parameters(net)
    assert ema.module.weight.item() - before == pytest.approx(1 - 0.5 ** (80 / 2500), rel=1e-3)


def test_names_within_wrappers_of_single_networks():
    state = weights(
        32,
        generator='generator.module.',
        ema='generator_ema.module.',
        discriminator='discriminator.module.',
    )
    state['generator_ema.steps'] = torch.tensor(500)
    match = match_weights(state, model(32), rename=True)
    assert match.is_exact and match.weights['generator_ema.steps'] == 500


@pytest.mark.parametrize('part', ['generator', 'ema'])
def test_one_generator_serves_as_both(part):
    state = weights(32, **{part: MMGENERATION[part]})
    match = match_weights(state, model(32), rename=True)
    for name in shapes(32)[0]:
        value = state[MMGENERATION[part] + name]
        assert match.weights[f'generator.{name}'] is value
        assert match.weights[f'generator_ema.module.{name}'] is value
    assert all(name.startswith('discriminator.') for name in match.missing if 'steps' not in name)


def test_without_an_average_here_only_its_weights_are_taken():
    expected = weights(32, -9000.0, generator='generator.')
    state = weights(32, ema='generator_ema.module.')
    state['generator_ema.steps'] = torch.tensor(500)
    match = match_weights(state, expected, rename=True)
    assert not match.missing and set(match.weights) == set(expected)
    assert set(match.unexpected) == set(state) - {'generator_ema.steps'}


def test_from_small_to_large_images():
    state, expected = weights(32, **MMGENERATION), model(64)
    match = match_weights(state, expected, rename=True)
    assert set(match.reshaped) == {
        'discriminator.convs.0.0.conv.weight_orig',
        'discriminator.convs.0.1.bias',
    }
    for name in shapes(32)[0]:
        assert match.weights[f'generator.{name}'] is state[f'generator.{name}']
    for block in (1, 2, 3):  # of 32, 16 and 8 pixels there
        for name in shapes(32)[1]:
            if name.startswith(f'convs.{block}.'):
                here = f'discriminator.convs.{block + 1}.' + name.removeprefix(f'convs.{block}.')
                assert match.weights[here] is state[f'discriminator.{name}']
    for name in shapes(32)[1]:
        if name.startswith('final_'):
            assert match.weights[f'discriminator.{name}'] is state[f'discriminator.{name}']
    # What 64 pixels have and 32 have not.
    new = [name for name in expected if name not in match.weights]
    assert {name for name in match.missing if name.startswith('discriminator.')} == {
        name for name in new if name.startswith('discriminator.convs.1.')
    }
    assert 'generator.injected_noise_7' in match.missing and not match.unexpected
    said = match.describe(everything=False)
    assert (
        'discriminator.convs.0.0.conv.weight_orig (256×3×1×1 here, 512×3×1×1 in the file)' in said
    )
    assert 'discriminator.convs.0.1.bias (256 here, 512 in the file)' in said
    assert 'not in the checkpoint: generator.injected_noise_7' in said


@pytest.mark.parametrize('prefix', ['discriminator.', 'discriminator.backbone.'])
def test_from_large_to_small_images(prefix):
    state = weights(64, **MMGENERATION)
    match = match_weights(state, model(32, discriminator=prefix), rename=True)
    for name in shapes(32)[0]:
        assert match.weights[f'generator.{name}'] is state[f'generator.{name}']
    for block in (1, 2, 3):
        for name in shapes(32)[1]:
            if name.startswith(f'convs.{block}.'):
                there = f'convs.{block + 1}.' + name.removeprefix(f'convs.{block}.')
                assert match.weights[prefix + name] is state[f'discriminator.{there}']
    assert not match.missing
    assert {name for name in match.unexpected if name.startswith('discriminator.')} == {
        f'{prefix}{name} (as numbered in the file)'
        for name in shapes(64)[1]
        if name.startswith('convs.1.')
    }
    assert set(match.reshaped) == {
        f'{prefix}convs.0.0.conv.weight_orig',
        f'{prefix}convs.0.1.bias',
    }


def test_equal_from_rgb_layers_are_taken():
    # 16 and 32 pixels both start with 512 channels.
    match = match_weights(weights(16, **MMGENERATION), model(32), rename=True)
    assert 'discriminator.convs.0.0.conv.weight_orig' in match.weights and not match.reshaped


def test_our_own_weights_keep_their_names():
    state = model(32, discriminator='discriminator.backbone.')
    state['contrast.weights.weight'] = state['discriminator.head.a'] = torch.ones(3)
    adapted = adapt_published_weights(state, state)
    assert list(adapted) == list(state) and all(adapted[name] is state[name] for name in state)


def test_states_of_the_training_are_not_missed():
    expected = model(32)
    for name in (
        'augment.strength.value',
        'contrast.weights.weight',
        'disc_auxiliary_losses.a',
        'gen_auxiliary_losses.path_length.mean',
        'generator.w_avg',
        'generator_ema.module.w_avg',
        'pseudo_real.strength.value',
        'regularisers.a.b',
    ):
        expected[name] = torch.zeros(())
    match = match_weights(weights(32, **MMGENERATION), expected, rename=True)
    assert len(match.missing) == 8 and match.describe(everything=False) == ''


class _Exotic:
    pass


def save_published(path, state, **extra):
    """As mmagic's tool for publishing does: in torch's old format, with texts on the training."""
    meta = dict(mmgen_version='0.1.0', config='model = dict()', epoch=0, iter=800000, hook_msgs={})
    content = dict(meta=meta, state_dict=state, **extra)
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path


def test_published_files_are_read(tmp_path):
    state = weights(16, **MMGENERATION)
    loaded = load_checkpoint_file(save_published(tmp_path / 'a.pth', state))['state_dict']
    assert all(value.equal(state[name]) for name, value in loaded.items())
    path = save_published(tmp_path / 'b.pth', {f'module.{n}': v for n, v in state.items()})
    assert list(load_checkpoint_file(path)['state_dict']) == [f'module.{name}' for name in state]


def test_exotic_objects_and_cut_files_are_refused(tmp_path):
    path = save_published(tmp_path / 'a.pth', weights(8, **MMGENERATION), extra=_Exotic())
    with pytest.raises(ValueError, match=r'could run code: .*_Exotic'):
        load_checkpoint_file(path)
    path = save_published(tmp_path / 'b.pth', {'generator.a': torch.rand(1000)})
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match='is damaged'):
        load_checkpoint_file(path)


class Loader(TrainingRunner):
    """Of the runner only what loads."""

    def __init__(self, model, logger):
        self.model, self._logger = model, logger

    @property
    def logger(self):
        return self._logger

    def call_hook(self, name, **kwargs):
        assert name == 'after_load_checkpoint'


@pytest.fixture(scope='module')
def of_mmagic(tmp_path_factory):
    """A checkpoint of mmagic's own model."""
    from mmagic.models.editors.stylegan2 import (
        StyleGAN2,
        StyleGAN2Discriminator,
        StyleGAN2Generator,
    )

    model = StyleGAN2(
        StyleGAN2Generator(8, **WIDE),
        StyleGAN2Discriminator(8, channel_multiplier=1),
        data_preprocessor=dict(type='mmengine.ImgDataPreprocessor'),
        ema_config=dict(type='mmagic.ExponentialMovingAverage', momentum=0.01),
    )
    meta = dict(experiment_name='stylegan2', epoch=0, iter=3, time='now', dataset_meta={})
    path = tmp_path_factory.mktemp('mmagic') / 'iter_3.pth'
    content = dict(meta=meta, state_dict=model.state_dict(), message_hub={}, optimizer={})
    torch.save(content, path)
    return str(path)


@pytest.fixture
def gan():
    return LimitedDataGAN(
        generator=dict(type='mmagic.StyleGAN2Generator', out_size=8, **WIDE),
        discriminator=dict(type='mmagic.StyleGAN2Discriminator', in_size=8, channel_multiplier=1),
        ema_config=dict(momentum=0.01),
    )


def test_a_model_is_loaded_from_a_file_of_mmagic(of_mmagic, gan, caplog):
    with caplog.at_level(logging.INFO):
        Loader(gan, logging.getLogger('loading')).load_checkpoint(of_mmagic)
    state = torch.load(of_mmagic, weights_only=True)['state_dict']
    assert 'mean_path_length' in state
    for name, value in gan.state_dict().items():
        assert value.equal(state[name]), name
    assert [record.levelname for record in caplog.records] == ['INFO']
    assert f'loaded {len(gan.state_dict())} of {len(gan.state_dict())} tensors' in caplog.text


def test_what_is_missing_is_named_and_frozen_layers_without_weights_are_warned_of(
    of_mmagic, tmp_path, caplog
):
    state = torch.load(of_mmagic, weights_only=True)
    lost = 'discriminator.convs.1.conv1.0.conv.weight_orig'
    del state['state_dict'][lost]
    torch.save(state, tmp_path / 'less.pth')
    gan = LimitedDataGAN(
        generator=dict(type='mmagic.StyleGAN2Generator', out_size=8, **WIDE),
        discriminator=dict(type='mmagic.StyleGAN2Discriminator', in_size=8, channel_multiplier=1),
        ema_config=dict(momentum=0.01),
        freeze_disc=['convs'],
    )
    with caplog.at_level(logging.INFO):
        Loader(gan, logging.getLogger('loading')).load_checkpoint(tmp_path / 'less.pth')
    assert f'all that does not match:\nnot in the checkpoint:\n  {lost}' in caplog.text
    assert 'frozen tensors are not in the checkpoint and stay random, such as' in caplog.text


def test_but_not_as_a_training_to_go_on_with(of_mmagic, gan):
    runner = Loader(gan, logging.getLogger('loading'))
    with pytest.raises(ValueError, match=r'does not fit this config: .*mean_path_length'):
        runner.load_checkpoint(of_mmagic, strict=True)
