import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import pywt
import torch
from mmengine.registry import DefaultScope
from PIL import Image

from projects.pcl_sr.models import upsample  # readies mmagic
from projects.pcl_sr.pairs import find_data, split_photographs, write_pairs
from projects.pcl_sr.picture import busiest
from projects.pcl_sr.report import insert, write_findings, write_table
from projects.pcl_sr.training import load_config, mean_detail

# isort: split
from mmagic.datasets.transforms import MATLABLikeResize
from mmagic.registry import MODELS

PROJECT = Path(__file__).parents[2] / 'projects/pcl_sr'


@pytest.fixture(scope='module')
def photographs(tmp_path_factory):
    """Folder with 31 shoes and 30 hats: soft noise of several scales."""
    folder = tmp_path_factory.mktemp('data')
    rng = np.random.default_rng(0)
    for name, number in (('shoes', 31), ('hats', 30)):
        (folder / name).mkdir()
        for index in range(number):
            image = sum(
                cv2.resize(rng.uniform(0, 85, (side, side, 3)), (72, 68)) for side in (4, 12, 36)
            )
            cv2.imwrite(str(folder / name / f'{index:04}.png'), image.astype(np.uint8))
    return folder


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('mmagic'):
        yield


def run(*command, cwd):
    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''}
    return subprocess.run(
        [sys.executable, *map(str, command)], cwd=cwd, env=env, capture_output=True, text=True,
        timeout=600, check=False,
    )  # fmt: skip


COMMAND = """
import runpy, sys
sys.argv = {argv!r}
runpy.run_path(sys.argv[0], run_name='__main__')
gans = [name for name in sys.modules if name.startswith('mmfncontra.models.gans')]
print('imported:', *gans, 'mmfncontra.models.losses.restoration_contrast_loss' in sys.modules)
"""


@pytest.fixture(scope='module')
def finished(photographs, tmp_path_factory):
    """What the command leaves, and its standard output."""
    folder = tmp_path_factory.mktemp('run')
    (folder / 'README.md').write_text('before\n<!-- results: written by run.py -->\nold\n')
    with (folder / 'README.md').open('a') as readme:
        readme.write('<!-- end of results -->\nafter\n')
    argv = [str(PROJECT / 'run.py'), '--quick', '--data', str(photographs), '--out', str(folder)]
    argv += ['--work-dir', str(folder / 'work'), '--seeds', '0', '--jobs', '1']
    done = run('-c', COMMAND.format(argv=argv), cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_command_trains_all_and_writes_table_and_picture(finished):
    folder, _ = finished
    text = (folder / 'README.md').read_text()
    assert text.startswith('before\n') and text.endswith('\nafter\n') and 'old' not in text
    rows = [line.split('|')[1].strip() for line in text.splitlines() if line.startswith('|')]
    names = ('EDSR', 'SRGAN', 'ESRGAN')
    assert rows[2:] == [
        'bicubic',
        *(f'{name}{variant}' for name in names for variant in ('', ' + contrast')),
    ]
    with Image.open(folder / 'comparison.png') as picture:
        assert np.asarray(picture).std() > 10
    trained = {file.parent.name for file in folder.glob('work/*/iter_2.pth')}
    assert trained == {f'{name.lower()}{v}_0' for name in names for v in ('', '_contrast')}


def test_command_does_not_import_our_gans(finished):
    assert finished[1].splitlines()[-1] == 'imported: True'


def test_metrics_of_bicubic_are_those_of_plain_numpy(finished):
    folder, _ = finished
    decibels = []
    for file in sorted(folder.glob('work/pairs/test/gt/*.bmp')):
        truth, reduced = (
            cv2.imread(str(path)).astype(np.float64)
            for path in (file, file.parents[1] / 'lr' / file.name)
        )
        x = torch.from_numpy(reduced).float().permute(2, 0, 1)[None]
        enlarged = upsample(x, 4)[0].permute(1, 2, 0).clamp(0, 255).double().numpy()
        error = ((enlarged - truth)[4:-4, 4:-4] ** 2).mean()
        decibels.append(10 * np.log10(255**2 / error))
    text = (folder / 'README.md').read_text()
    written = next(line for line in text.splitlines() if line.startswith('| bicubic'))
    assert len(decibels) == 2
    assert float(written.split('|')[2]) == pytest.approx(np.mean(decibels), abs=0.006)


def test_a_config_starts_by_itself(photographs, tmp_path):
    done = run(
        PROJECT / 'train.py', PROJECT / 'configs/srgan_contrast.py', '--data', photographs,
        '--work-dir', tmp_path / 'work', '--cfg-options', 'train_cfg.max_iters=1',
        'default_hooks.logger.interval=1',
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith('PSNR ')
    assert 'loss_contrast: ' in done.stdout


@pytest.mark.parametrize('script', ['run.py', 'train.py'])
def test_missing_data_are_answered_by_the_name_of_the_option(script, tmp_path):
    config = [PROJECT / 'configs/edsr.py'] if script == 'train.py' else []
    done = run(PROJECT / script, *config, '--data', tmp_path, cwd=tmp_path)
    assert done.returncode == 2
    assert '--data must be a folder that holds the folders shoes and hats' in done.stderr


def test_quick_numbers_do_not_reach_the_readme(tmp_path, photographs):
    before = (PROJECT / 'README.md').read_bytes()
    done = run(PROJECT / 'run.py', '--quick', '--data', photographs, cwd=tmp_path)
    assert done.returncode == 2 and '--quick needs --out' in done.stderr
    assert (PROJECT / 'README.md').read_bytes() == before


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
    from mmengine.optim import OptimWrapper, OptimWrapperDict

    model, _ = build(name, **options)
    optims = OptimWrapperDict(
        **{
            part: OptimWrapper(torch.optim.SGD(getattr(model, part).parameters(), lr=0.1))
            for part in ('generator', 'discriminator')
        }
    )
    log = model.train_step(batch(), optims)
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


def test_reduction_is_that_of_pillow(photographs, tmp_path):
    splits = split_photographs(photographs)
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


def test_splits_have_nothing_in_common(photographs):
    splits = split_photographs(photographs, held_out=10)
    assert [len(splits[name]) for name in ('train', 'val', 'test')] == [21, 10, 10]
    assert not set(splits['train']) & set(splits['val'])
    assert all(file.parent.name == 'hats' for file in splits['test'])
    assert len(set(splits['test'])) == 10
    with pytest.raises(ValueError, match='--data must have more than 40 photographs'):
        split_photographs(photographs, held_out=40)


def test_data_are_found_beside_the_checkout_or_where_the_variable_says(photographs, monkeypatch):
    monkeypatch.setenv('MMFNCONTRA_SHARED', str(photographs.parent / 'nowhere'))
    with pytest.raises(ValueError, match='nowhere'):
        find_data(None)
    assert find_data(str(photographs)) == photographs


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
