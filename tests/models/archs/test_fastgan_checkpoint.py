"""The networks against reference outputs, with the reference's weights loaded by the converter."""

import json

import numpy as np
import pytest
import torch
from commands import load_module, load_tool
from torch import nn

from mmfncontra.models.archs import FastGANDiscriminator, FastGANGenerator, convert_fastgan

HEAD = 'project_feat_last.'


def part(state, prefix):
    return {name[len(prefix) :]: v for name, v in state.items() if name.startswith(prefix)}


def blank(shape):
    """A tensor of one stored number, so that a layout can be converted without its weights."""
    return torch.zeros(()).expand(shape)


@pytest.fixture
def layout(golden):
    """Layouts of the published networks: ``{'g': {name: tensor}, 'd': {name: tensor}}``."""
    layout = json.loads(golden('fastgan256_layout.json').read_text())
    return {
        key: {name: blank(shape) for name, shape in layout[network].items()}
        for key, network in (('g', 'generator'), ('d', 'discriminator'))
    }


@pytest.fixture
def plain(layout):
    """The layout without FNContra's head."""
    return dict(layout, d={k: v for k, v in layout['d'].items() if not k.startswith(HEAD)})


@pytest.fixture
def reference(golden):
    module = load_module(golden('reference_state.py'))
    return dict(g=module.reference_state('generator'), d=module.reference_state('discriminator'))


def assert_near(actual, expected, tolerance):
    """Largest deviation, relative to the largest reference value."""
    expected = torch.from_numpy(expected).float()
    assert actual.shape == expected.shape
    deviation = (actual - expected).abs().max() / expected.abs().max()
    assert deviation < tolerance, f'{deviation:.1e}'


def reference_order(logits):
    """The reference flattens its logits over the batch, all big ones first."""
    return torch.cat([logits[:, :25].flatten(), logits[:, 25:].flatten()])


def haar_prototype(features):
    """Sum of the three Haar detail bands, channel mean: in a block [a b; c d], 2d − (a+b+c+d)/2."""
    x = features.mean(1)
    blocks = (x[:, i::2, j::2] for i in (0, 1) for j in (0, 1))
    return 2 * x[:, 1::2, 1::2] - sum(blocks) / 2


@torch.no_grad()
def test_step_of_the_reference(golden, reference):
    step = np.load(golden('fastgan256_step.npz'))
    state = convert_fastgan(reference, contrast=True)
    generator, discriminator = FastGANGenerator(256), FastGANDiscriminator(256)
    generator.load_state_dict(part(state, 'generator.'))
    discriminator.load_state_dict(part(state, 'discriminator.backbone.'))
    projector = nn.Sequential(
        nn.Conv2d(512, 256, 4, bias=False),
        nn.BatchNorm2d(256),
        nn.ReLU(),
        nn.Conv2d(256, 128, 3, 2, bias=False),
        nn.BatchNorm2d(128),
        nn.Flatten(),
    )
    projector.load_state_dict(part(state, 'discriminator.head.projector.'))
    maps = {}
    for name in discriminator.feature_taps:
        discriminator.get_submodule(name).register_forward_hook(
            lambda module, args, output, name=name: maps.__setitem__(name, output)
        )

    fakes = generator(torch.from_numpy(step['z']))
    assert_near(fakes[0], step['fake_256'], 1e-3)
    assert_near(fakes[1], step['fake_128'], 1e-3)

    real = torch.from_numpy(step['real']).float()
    logits, reconstructions, _ = discriminator(real, decode=True, quadrant=0)
    assert_near(reference_order(logits), step['pred_real'], 1e-4)
    for name, image in zip(('big', 'small', 'part'), reconstructions, strict=True):
        assert_near(image, step[f'rec_{name}'], 1e-4)
    *trunk, last = (maps[name] for name in discriminator.feature_taps)
    assert len(trunk) == 5
    for i, features in enumerate(trunk):
        assert_near(haar_prototype(features), step[f'proto_real_{i}'], 1e-4)
    assert_near(projector(last), step['emb_real'], 1e-4)

    assert_near(reference_order(discriminator(fakes)), step['pred_fake'], 1e-4)
    assert_near(projector(_last(discriminator, maps, real.flip(3))), step['emb_positive'], 1e-4)
    # Three forwards of negatives follow there. Each advances the spectral-norm vectors; its images
    # do not matter to the logits below, since BatchNorm uses the statistics of the batch.
    for _ in range(3):
        discriminator(real)
    assert_near(reference_order(discriminator(fakes)), step['pred_g'], 1e-4)


def _last(discriminator, maps, images):
    discriminator(images)
    return maps[discriminator.feature_taps[-1]]


@pytest.mark.parametrize('contrast', [False, True])
def test_every_name_is_consumed_and_filled(layout, plain, contrast):
    source = layout if contrast else plain
    state = convert_fastgan(source, contrast=contrast)
    backbone = 'discriminator.backbone.' if contrast else 'discriminator.'
    assert len(state) == 2 * len(source['g']) + len(source['d']) + 1
    with torch.device('meta'):
        networks = {'generator.': FastGANGenerator(), backbone: FastGANDiscriminator()}
        networks['generator_ema.module.'] = networks['generator.']
    for prefix, network in networks.items():
        network.load_state_dict(part(state, prefix), assign=True)
    assert state['generator_ema.steps'] == 1


@pytest.mark.parametrize('size', [512, 1024])
def test_larger_sizes(plain, size):
    """The layout at 512 and 1024, by the rule that the names go on and the table's channels."""
    g, d = plain['g'], plain['d']

    def conv(target, name, *shape):
        target[f'{name}.weight_orig'] = blank(shape)
        target[f'{name}.weight_u'] = blank(shape[:1])
        target[f'{name}.weight_v'] = blank((torch.Size(shape[1:]).numel(),))

    def norm(target, name, channels):
        for leaf in ('weight', 'bias', 'running_mean', 'running_var'):
            target[f'{name}.{leaf}'] = blank((channels,))
        target[f'{name}.num_batches_tracked'] = blank(())

    conv(g, 'feat_512.1', 32, 32, 3, 3)
    conv(g, 'feat_512.5', 32, 16, 3, 3)
    for noise, bn in ((2, 3), (6, 7)):
        g[f'feat_512.{noise}.weight'] = blank((1,))
        norm(g, f'feat_512.{bn}', 32)
    conv(g, 'se_512.main.1', 16, 128, 4, 4)
    conv(g, 'se_512.main.3', 16, 16, 1, 1)
    conv(g, 'to_big', 3, 16, 3, 3)
    conv(d, 'down_from_big.0', 16, 3, 4, 4)
    if size == 1024:
        conv(g, 'feat_1024.1', 16, 16, 3, 3)
        norm(g, 'feat_1024.2', 16)
        conv(g, 'to_big', 3, 8, 3, 3)
        conv(d, 'down_from_big.0', 8, 3, 4, 4)
        conv(d, 'down_from_big.2', 16, 8, 4, 4)
        norm(d, 'down_from_big.3', 16)

    state = convert_fastgan(plain)
    with torch.device('meta'):
        networks = {
            'generator.': FastGANGenerator(size),
            'discriminator.': FastGANDiscriminator(size),
        }
    for prefix, network in networks.items():
        network.load_state_dict(part(state, prefix), assign=True)


def test_parallel_prefix_and_averaged_parameters(plain):
    buffers = ('_u', '_v', 'running_mean', 'running_var', 'tracked')
    names = [name for name in plain['g'] if not name.endswith(buffers)]
    averaged = [torch.empty_like(plain['g'][name]) for name in names]
    parallel = {
        key: {f'module.{name}': value for name, value in plain[key].items()} for key in 'gd'
    }
    expected = convert_fastgan(plain)
    state = convert_fastgan(dict(parallel, g_ema=averaged, opt_g={}, opt_d={}))
    assert state.keys() == expected.keys()

    for name, value in plain['g'].items():
        (ours,) = (k for k, v in expected.items() if v is value and k.startswith('generator.'))
        assert state[ours] is value
        other = averaged[names.index(name)] if name in names else value
        assert state[ours.replace('generator.', 'generator_ema.module.')] is other


def test_refused_checkpoints(layout, plain):
    with pytest.raises(ValueError, match="no such 'g' among state_dict, meta"):
        convert_fastgan(dict(state_dict={}, meta={}))
    with pytest.raises(ValueError, match="no such 'g' among list"):
        convert_fastgan([1])
    with pytest.raises(ValueError, match='contrast must be True'):
        convert_fastgan(layout)
    with pytest.raises(ValueError, match=r'missing .*head\.projector\.0\.weight.*and 9 more'):
        convert_fastgan(plain, contrast=True)
    with pytest.raises(ValueError, match="'g_ema' must list the generator's 44 parameters"):
        convert_fastgan(dict(plain, g_ema=[blank((3,))]))
    with pytest.raises(ValueError, match='not a FastGAN of 256'):
        convert_fastgan(dict(g={'conv.weight': blank((3, 3))}, d={}))
    with pytest.raises(ValueError, match=r'unknown in the checkpoint: dwt\.h0, dwt\.h1$'):
        convert_fastgan(dict(plain, d={**plain['d'], 'dwt.h0': blank((2,)), 'dwt.h1': blank((2,))}))
    with pytest.raises(ValueError, match=r'rf_small\.weight_u must have the shape \(1,\), got'):
        convert_fastgan(dict(plain, d={**plain['d'], 'rf_small.weight_u': blank((2,))}))


def test_dropped_names(layout, plain):
    extra = dict(layout, d={**layout['d'], 'dwt.h0': blank((2,))})
    state = convert_fastgan(extra, drop=[HEAD, 'dwt.'])
    assert state.keys() == convert_fastgan(plain).keys()


@pytest.fixture
def tool():
    return load_tool('model_converters/fastgan_to_mmfncontra')


def test_command_line(tmp_path, capsys, tool, layout):
    source, target = tmp_path / 'all_100.pth', tmp_path / 'out' / 'fncontra.pth'
    torch.save(layout, source)
    tool.main([str(source), str(target), '--contrast'])
    assert '256×256' in capsys.readouterr().out
    converted = torch.load(target, weights_only=True)
    assert converted['meta'] == dict(converted_from='all_100.pth', size=256, contrast=True)
    expected = convert_fastgan(layout, contrast=True)
    shapes = {name: value.shape for name, value in converted['state_dict'].items()}
    assert shapes == {name: value.shape for name, value in expected.items()}

    with pytest.raises(SystemExit, match='contrast must be True'):
        tool.main([str(source), str(target)])


@pytest.mark.parametrize('content', [b'', b'hello', b'PK\x03\x04truncated'])
def test_command_line_refuses_a_foreign_file_in_one_line(tmp_path, tool, content):
    source = tmp_path / 'source.pth'
    source.write_bytes(content)
    with pytest.raises(SystemExit, match='truncated or not a PyTorch checkpoint') as error:
        tool.main([str(source), str(tmp_path / 'target.pth')])
    assert '\n' not in str(error.value)
    with pytest.raises(SystemExit, match='no such file'):
        tool.main([str(tmp_path / 'absent.pth'), str(tmp_path / 'target.pth')])
