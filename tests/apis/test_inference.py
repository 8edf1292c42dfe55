from pathlib import Path

import pytest
import torch
from toy_config import write_toy_config
from toy_gan import ToyGenerator

from mmfncontra.apis import load_generator, sample_images
from mmfncontra.models.archs import FastGANGenerator


@pytest.fixture
def trained(tmp_path, toy_config):
    """A checkpoint whose average differs from its last weights."""
    torch.manual_seed(1)
    plain, average = ToyGenerator(width=4), ToyGenerator(width=4)
    state = {f'generator.{k}': v for k, v in plain.state_dict().items()}
    state |= {f'generator_ema.module.{k}': v for k, v in average.state_dict().items()}
    state['generator_ema.steps'] = torch.tensor(3)
    state['discriminator.body.weight'] = torch.zeros(1)
    # Text that would fail if it were executed.
    meta = dict(cfg='raise RuntimeError')
    torch.save(dict(state_dict=state, meta=meta), tmp_path / 'iter_4.pth')
    return tmp_path / 'iter_4.pth', plain, average


@pytest.mark.parametrize('use_ema', [True, False])
def test_weights_are_those_of_the_file(trained, use_ema):
    path, plain, average = trained
    generator = load_generator(path, use_ema=use_ema, calibrate=False)
    assert not generator.training
    expected = (average if use_ema else plain).state_dict()
    for name, value in generator.state_dict().items():
        assert torch.equal(value, expected[name]), name


def test_calibrated_by_default(trained):
    path, _, average = trained
    generator = load_generator(path)
    assert not torch.equal(generator.body[2].running_mean, average.body[2].running_mean)
    assert sample_images(generator, 2).shape == (2, 8, 8, 3)


def test_config_by_name(trained, tmp_path):
    path, _, _ = trained
    moved = tmp_path / 'elsewhere'
    moved.mkdir()
    path = path.rename(moved / 'a.pth')
    with pytest.raises(FileNotFoundError, match=f'no config beside .* {moved}; .*--config FILE'):
        load_generator(path)
    load_generator(path, tmp_path / 'toy.py')


def test_several_configs(trained, tmp_path):
    (tmp_path / 'other.py').write_text('')
    with pytest.raises(ValueError, match=r'several configs .*\(other\.py, toy\.py\)'):
        load_generator(trained[0])


def test_weights_of_another_size(trained, tmp_path):
    write_toy_config(tmp_path, **{'width=4': 'width=2'})
    with pytest.raises(ValueError, match=r'do not fit the generator of .*toy\.py.*size mismatch'):
        load_generator(trained[0])


def test_no_average(tmp_path, toy_config):
    state = {f'generator.{k}': v for k, v in ToyGenerator(width=4).state_dict().items()}
    torch.save(dict(state_dict=state), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'no EMA weights .* try --no-ema'):
        load_generator(tmp_path / 'a.pth')
    load_generator(tmp_path / 'a.pth', use_ema=False)


def test_a_config_without_generator(trained, tmp_path):
    (tmp_path / 'toy.py').write_text("model = dict(type='X')")
    with pytest.raises(ValueError, match=r'has no model\.generator'):
        load_generator(trained[0])


def test_a_size_of_a_config_for_several(tmp_path):
    configs = Path(__file__).parents[2] / 'configs'
    narrow = (
        "_base_ = '{}/fastgan/fastgan-offline.py'\nmodel = dict(generator=dict(base_channels=1))"
    )
    (tmp_path / 'narrow.py').write_text(narrow.format(configs))
    state = FastGANGenerator(out_size=128, base_channels=1).state_dict()
    state = {f'generator_ema.module.{name}': value for name, value in state.items()}
    torch.save(dict(state_dict=state, meta={}), tmp_path / 'a.pth')
    generator = load_generator(tmp_path / 'a.pth', size='128')
    assert sample_images(generator, 1).shape == (1, 128, 128, 3)
    with pytest.raises(ValueError, match='do not fit the generator'):
        load_generator(tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='--size 96: this config is for 64, 128'):
        load_generator(tmp_path / 'a.pth', size=96)
