from pathlib import Path

import numpy as np
import pytest
import pywt
import torch
from mmengine.registry import DefaultScope
from PIL import Image

from projects.pcl_sr.models import upsample  # readies mmagic
from projects.pcl_sr.pairs import split_photographs, write_pairs
from projects.pcl_sr.picture import busiest
from projects.pcl_sr.report import insert, write_findings, write_table
from projects.pcl_sr.training import load_config, mean_detail

# isort: split
from mmagic.datasets.transforms import MATLABLikeResize
from mmagic.registry import MODELS
from optimisers import optimisers


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('mmagic'):
        yield


@pytest.mark.parametrize(
    'config',
    [
        dict(type='DWCLLoss'),
        dict(type='DWCLLoss', objective=dict(type='mmfncontra.DCL')),
        dict(
            type='DWCLLoss',
            batch_negatives=True,
            objective=dict(type='mmfncontra.DebiasedInfoNCE', hardness=1.0),
            synthetic=dict(type='mmfncontra.SyntheticNegatives'),
        ),
        dict(type='GWCLLoss'),
        dict(type='SelfInformationWeight'),
        dict(type='InfoNCE'),
        dict(type='DCL'),
        dict(type='DCLW'),
        dict(type='DebiasedInfoNCE'),
        dict(type='FrequencyNegatives'),
        dict(type='LowPassNegatives'),
        dict(type='SyntheticNegatives'),
        dict(type='RandomView'),
        dict(type='RandomMasking'),
        dict(type='FeatureMixing'),
        dict(type='HighBoostView'),
        dict(type='WaveletContrastiveHead'),
        dict(type='FrequencyDiscriminator'),
        dict(type='RestorationContrastLoss'),
        dict(type='RestorationContrastLoss', objective=dict(type='mmfncontra.DCL')),
        dict(type='FNContra'),
    ],
    ids=lambda config: '+'.join([config['type'], *list(config)[1:]]),
)
def test_our_components_are_built_by_prefix_in_the_scope_of_mmagic(config):
    part = MODELS.build({**config, 'type': f'mmfncontra.{config["type"]}'})
    assert type(part).__name__ == config['type']
    assert type(part).__module__.startswith('mmfncontra.')
    if 'objective' in config:
        assert f'mmfncontra.{type(part.objective).__name__}' == config['objective']['type']


def build(name, **options):
    torch.manual_seed(0)
    cfg = load_config(name, Path(), Path(), options=options)
    return MODELS.build(cfg.model), cfg


def step(name, **options):
    """A model after one training step, and what it logged."""
    model, _ = build(name, **options)
    log = model.train_step(batch(), optimisers(model, torch.optim.SGD, lr=0.1))
    return model, log


def batch():
    from mmagic.structures import DataSample

    generator = torch.Generator().manual_seed(1)
    truth = torch.randint(256, (2, 3, 32, 32), generator=generator).float()
    low = torch.nn.functional.avg_pool2d(truth, 4)
    return dict(inputs=list(low), data_samples=[DataSample(gt_img=image) for image in truth])


@pytest.mark.parametrize('name', ['srgan', 'esrgan'])
def test_with_weight_0_a_step_is_that_of_the_plain_model(name):
    plain, plain_log = step(name)
    none, none_log = step(f'{name}_contrast', **{'model.contrast.loss.loss_weight': 0.0})
    some, some_log = step(f'{name}_contrast', **{'model.contrast.loss.loss_weight': 100.0})
    assert none_log.pop('loss_contrast') == 0 < some_log['loss_contrast']
    assert none_log == plain_log
    for key, value in plain.generator.state_dict().items():
        torch.testing.assert_close(none.generator.state_dict()[key], value, rtol=0, atol=0)
    moved = [
        not torch.equal(a, b)
        for a, b in zip(some.generator.parameters(), none.generator.parameters(), strict=True)
    ]
    assert any(moved)
    # The contrast moves the generator alone.
    for a, b in zip(some.discriminator.parameters(), none.discriminator.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_edsr_with_contrast_does_not_learn_to_deceive():
    model, log = step('edsr_contrast')
    untrained, _ = build('edsr_contrast')
    assert log['loss_gan'] == 0 and log['loss_contrast'] > 0
    changed = zip(
        model.discriminator.parameters(), untrained.discriminator.parameters(), strict=True
    )
    assert all(not torch.equal(a, b) for a, b in changed)


def test_contrast_is_between_sharp_and_soft_images():
    model, _ = build('srgan_contrast')
    truth = torch.rand(2, 3, 32, 32, requires_grad=True)
    low = torch.nn.functional.avg_pool2d(truth, 4)
    soft = upsample(low, 4)
    sharp_loss = model.contrast(model.discriminator, truth, truth, soft)
    soft_loss = model.contrast(model.discriminator, soft, truth, soft)
    assert sharp_loss < soft_loss
    restored = truth.detach().clone().requires_grad_()
    model.contrast(model.discriminator, restored, truth, soft).backward()
    assert truth.grad is None and restored.grad is not None


class Pixels(torch.nn.Module):
    """A discriminator whose feature maps are the image and its even pixels."""

    def features(self, images):
        return [images, images[..., ::2, ::2]]


class Named(torch.nn.Module):
    """Blurred copies by name."""

    def forward(self, images):
        return {name: images + shift for name, shift in (('one', 3.0), ('two', -2.0))}


class Shifted(torch.nn.Module):
    """A view that is another one at each call."""

    calls = 0

    def forward(self, images):
        self.calls += 1
        return images * (1 + self.calls)


@pytest.mark.parametrize('layers', [None, [1]])
def test_contrast_of_a_restored_image_is_a_plain_loop(layers):
    kinds = dict(loss='RestorationContrastLoss', negatives='LowPassNegatives', view='HighBoostView')
    parts = {name: dict(type=f'mmfncontra.{kind}') for name, kind in kinds.items()}
    parts['loss'].update(temperature=0.3, loss_weight=2.0)
    contrast = MODELS.build(
        dict(type='RestorationContrast', num_views=2, layers=layers, **parts)
    ).double()
    contrast.negatives, contrast.view = Named(), Shifted()
    restored, truth, enlarged = torch.randn(3, 2, 3, 4, 4, dtype=torch.float64)
    shapes = [Pixels().features(x) for x in (restored, truth, enlarged)]
    terms = []
    for layer in layers or (0, 1):
        anchor, sharp, low = (maps[layer] for maps in shapes)
        positives = [sharp, 2 * sharp, 3 * sharp]
        negatives = [sharp + 3, sharp - 2, low]
        for b in range(2):
            for positive in positives:
                likeness = [
                    np.mean(
                        [
                            float(torch.cosine_similarity(anchor[b, :, y, x], z[b, :, y, x], dim=0))
                            for y in range(anchor.size(2))
                            for x in range(anchor.size(3))
                        ]
                    )
                    for z in (positive, *negatives)
                ]
                exponents = np.exp(np.array(likeness) / 0.3)
                terms.append(-np.log(exponents[0] / exponents.sum()))
    loss = contrast(Pixels(), restored, truth, enlarged)
    assert float(loss) == pytest.approx(2 * np.mean(terms), rel=1e-9)


@pytest.mark.parametrize(
    'change',
    [
        {'model.contrast.loss.objective.type': 'mmfncontra.DCL'},
        {
            'model.contrast.negatives': dict(
                _delete_=True, type='mmfncontra.FrequencyNegatives', levels=3
            )
        },
        {'model.contrast.layers': [0, 1]},
        {'model.contrast.num_views': 2},
    ],
    ids=lambda change: next(iter(change)).removeprefix('model.contrast.'),
)
def test_parts_of_the_contrast_change_by_a_line(change):
    _, usual = step('srgan_contrast')
    _, changed = step('srgan_contrast', **change)
    assert torch.isfinite(changed['loss_contrast'])
    assert changed['loss_contrast'] != usual['loss_contrast']
    assert changed['loss_pix'] == usual['loss_pix']


def test_contrast_needs_features():
    with pytest.raises(ValueError, match=r'discriminator must have a method features\(images\)'):
        build('srgan_contrast', **{'model.discriminator': None})


def test_reduction_is_that_of_pillow(noise, tmp_path):
    splits = split_photographs(noise)
    write_pairs({'train': splits['train'], 'test': splits['test'][:2]}, tmp_path)
    files = list(tmp_path.glob('*/gt/*.bmp'))
    assert len(files) == 3
    for file in files:
        image = Image.open(file)
        expected = image.resize((image.width // 4, image.height // 4), Image.Resampling.BICUBIC)
        found = Image.open(file.parents[1] / 'lr' / file.name)
        gap = np.abs(np.asarray(found, float) - np.asarray(expected, float))
        # At the border MATLAB mirrors, Pillow shortens the kernel.
        assert found.size == expected.size and gap[2:-2, 2:-2].max() <= 1


def test_upsampling_is_that_of_matlab():
    image = np.random.default_rng(0).uniform(0, 255, (12, 10, 3))
    expected = MATLABLikeResize(keys=['img'], scale=4)(dict(img=image))['img']
    found = upsample(torch.from_numpy(image).permute(2, 0, 1)[None], 4)[0].permute(1, 2, 0)
    np.testing.assert_allclose(found.numpy()[8:-8, 8:-8], expected[8:-8, 8:-8], atol=1e-3)


def test_splits_have_nothing_in_common(noise):
    splits = split_photographs(noise, held_out=10)
    assert [len(splits[name]) for name in ('train', 'val', 'test')] == [21, 10, 10]
    assert not set(splits['train']) & set(splits['val'])
    assert all(file.parent.name == 'hats' for file in splits['test'])
    assert len(set(splits['test'])) == 10
    with pytest.raises(ValueError, match='--data must have more than 40 photographs'):
        split_photographs(noise, held_out=40)


def test_table_and_findings():
    psnr = {'bicubic': [25.0]}
    ssim = {'bicubic': [0.7]}
    for name in ('edsr', 'srgan', 'esrgan'):
        psnr |= {name: [26.0, 26.2, 26.4], f'{name}_contrast': [26.3, 26.5, 26.7]}
        ssim |= {name: [0.7, 0.72, 0.74], f'{name}_contrast': [0.71, 0.73, 0.72]}
    detail = {name: [0.5, 0.6] for name in psnr}
    lines = write_table(psnr, ssim, detail, {name: [10.0] for name in psnr}).splitlines()
    assert lines[2] == '| bicubic | 25.00 | 0.7000 | 0.50 | | | |'
    assert [cell.strip() for cell in lines[4].split('|')[1:-1]] == [
        'EDSR + contrast', '26.50 ± 0.20', '0.7200 ± 0.0100', '0.55 ± 0.07', '+0.30 ± 0.00',
        '+0.0000 ± 0.0173', '10',
    ]  # fmt: skip
    assert write_findings(psnr, ssim).splitlines()[0] == (
        '* EDSR: PSNR +0.30 dB, better by more than the deviation over seeds; '
        'SSIM +0.0000, within the deviation over seeds (0.0200): no difference shown.'
    )


def test_detail_against_pywavelets():
    image = torch.rand(3, 8, 10)
    _, bands = pywt.dwt2(image.numpy(), 'haar', mode='periodization')
    assert mean_detail(image) == pytest.approx(np.mean(np.abs(bands)), rel=1e-5)


def test_a_table_takes_the_place_of_the_one_before():
    once = insert('title\n', 'first')
    assert insert(once, 'second') == once.replace('first', 'second')
    assert once.startswith('title\n')


def test_busiest_square_holds_the_texture():
    image = np.zeros((64, 64, 3), np.uint8)
    image[32:48, 8:24] = np.random.default_rng(0).integers(0, 256, (16, 16, 3))
    assert busiest(image, 16) == (32, 8)
