import json
import os
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
import torch
from commands import CONFIGS
from PIL import Image
from toy_config import write_toy_config

from mmfncontra.apis import load_config
from mmfncontra.apis.data_check import step_cost
from mmfncontra.apis.data_check.check import check_data, suggest_configs
from mmfncontra.apis.data_check.findings import cost_remarks
from mmfncontra.apis.data_check.report import describe_check
from mmfncontra.apis.data_check.step_cost import StepCost, measure_step, needs_download


def picture(seed, size=(64, 64)):
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8))
    return coarse.resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / 'images'
    root.mkdir()
    for i in range(12):
        picture(i).save(root / f'{i}.png')
    return root


@pytest.fixture
def config(tmp_path):
    """A config that trains a toy GAN on a folder."""
    dataset = "type='ToyImages', data_root=None, size=8"
    return write_toy_config(tmp_path, **{"type='ToyDrawings'": dataset})


def messages(check, pressing):
    return ' '.join(f.message + f.remedy for f in check.findings if f.must_repair == pressing)


def test_a_good_folder(folder):
    check = check_data(folder, measure=False)
    assert check.trainable and len(check.readable) == 12 and check.size == 64
    assert (
        check.config == 'configs/fncontra/fastgan-offline.py'
        and check.needs_size
        and check.iterations > 1000
    )
    assert '12 different images are few' in messages(check, False)
    text = describe_check(check)
    assert '12, of which 12 can be read' in text
    command = f'mmfncontra train {check.config} --size 64 --data {folder}'
    assert text.splitlines()[-1] == f'Ready: {command}'


def test_what_must_be_repaired(folder):
    (folder / 'broken.png').write_bytes((folder / '0.png').read_bytes()[:90])
    picture(20, (40, 70)).save(folder / 'small.png')
    check = check_data(folder, size=64, measure=False)
    assert not check.trainable
    said = messages(check, True)
    assert '1 file cannot be read' in said and 'on_bad_image=skip' in said
    assert '1 file smaller than 64 pixels: small.png (40×70)' in said
    text = describe_check(check)
    assert 'broken.png: not a readable image' in text and text.endswith('check again.')


def test_what_the_config_skips_need_not_be_repaired(folder, tmp_path):
    (folder / 'broken.png').write_bytes(b'nothing')
    dataset = "type='ToyImages', data_root=None, size=8, on_bad_image='skip'"
    config = write_toy_config(tmp_path, **{"type='ToyDrawings'": dataset})
    check = check_data(folder, config=config, measure=False)
    assert check.trainable and '1 file cannot be read' in messages(check, False)


def test_what_is_not_trained_on_and_what_hardly_teaches(folder):
    for name in ('a.HEIC', 'b.heif', 'c.mov', '.thumb.jpg'):
        (folder / name).write_bytes(b'')
    Image.new('RGB', (64, 64)).save(folder / 'black\n1.png')
    Image.new('RGBA', (64, 64)).save(folder / 'clear.png')
    check = check_data(folder, size=64, measure=False)
    assert check.trainable and check.to_dict()['left_out']['.mov'] == 1
    said = messages(check, False)
    assert 'save frames' in said and '1 hidden' in said
    assert r"1 file nearly black: 'black\n1.png'" in said
    assert '1 file nearly constant: clear.png' in said
    left_out = next(row for row in describe_check(check).splitlines() if row.startswith('left out'))
    assert '1 .mov' in left_out and '1 hidden' in left_out


def test_odd_names_can_be_printed_and_pasted(folder):
    odd = folder.rename(folder.with_name("it's café \udce9\n"))
    (odd / 'copy \udce9\n.png').write_bytes((odd / '0.png').read_bytes())
    text = describe_check(check_data(odd, size=64, measure=False))
    assert text.isascii() or not {'\udce9'} & set(text)
    assert r"0.png = 'copy \udce9\n.png'" in text
    word = text.splitlines()[-1].rpartition('--data ')[2]
    shown = subprocess.run(['bash', '-c', f'printf %s {word}'], capture_output=True, check=True)
    assert shown.stdout == os.fsencode(odd)


def test_nothing_can_be_read(tmp_path):
    (tmp_path / 'a.png').write_bytes(b'nothing')
    check = check_data(tmp_path, measure=False)
    assert not check.trainable and 'skip' not in messages(check, True)
    assert '1, of which 0 can be read' in describe_check(check)


def test_json_has_everything(folder, tmp_path):
    picture(0).save(folder / 'same.bmp')
    picture(1).save(folder / 'x.jpg', quality=70)
    picture(2).transpose(Image.Transpose.FLIP_LEFT_RIGHT).convert('RGBA').save(folder / 'y.png')
    Image.fromarray(np.arange(70 * 80, dtype=np.uint16).reshape(70, 80)).save(folder / 'z.png')
    (folder / 'broken.png').write_bytes(b'nothing')
    check_data(folder, measure=False).save(tmp_path / 'new' / 'check.json')
    found = json.loads((tmp_path / 'new' / 'check.json').read_text())
    assert (found['num_files'], found['num_readable'], found['trainable']) == (17, 16, False)
    assert found['duplicates'] == dict(
        exact=[['0.png', 'same.bmp']], near=[['1.png', 'x.jpg']], mirrored=[['2.png', 'y.png']]
    )
    summary = found['summary']
    assert summary['modes'] == {'RGB': 14, 'RGBA': 1, '16-bit': 1} and summary['alpha'] == 1
    assert summary['formats'] == {'PNG': 14, 'BMP': 1, 'JPEG': 1}
    assert summary['width'] == [64, 64, 80] and summary['below']['128'] == 16
    assert found['cost'] is None and found['flips']['verdict'] in ('safe', 'doubtful')
    broken = next(image for image in found['images'] if image['name'] == 'broken.png')
    assert 'not in a known image format' in broken['error']


def test_zip_and_classes(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w') as archive:
        for i in range(12):
            archive.write(folder / f'{i}.png', f'{"cats" if i < 5 else "dogs"}/{i}.png')
    check = check_data(tmp_path / 'a.zip', measure=False)
    assert check.classes == {'cats': 5, 'dogs': 7} and check.trainable
    assert 'set num_classes=2' in messages(check, False)
    assert '5 cats, 7 dogs' in describe_check(check)


def test_classes_that_the_config_wants(folder):
    config = CONFIGS / 'fncontra' / 'sagan-cond_64.py'
    check = check_data(folder, config=config, measure=False)
    assert 'the config has 2 classes, but there are 0 folders' in messages(check, True)


def test_mistakes(folder, tmp_path, config):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match='no images in the folder'):
        check_data(tmp_path / 'empty')
    with pytest.raises(FileNotFoundError, match='nothing at'):
        check_data(tmp_path / 'nowhere')
    with pytest.raises(ValueError, match='size must be a positive integer, got 0'):
        check_data(folder, size=0)
    with pytest.raises(ValueError, match=r'size=64 and config .*\(size 8\) do not go together'):
        check_data(folder, size=64, config=config)
    with pytest.raises(ValueError, match='cannot be written'):
        check_data(folder, measure=False).save(folder)


def test_a_size_without_config(folder):
    check = check_data(folder, size=60, measure=False)
    assert check.config is None and 'there is no config for 60 pixels' in messages(check, True)


def test_measures_the_config(folder, config):
    check = check_data(folder, config=config, device='cpu')
    assert check.cost.batch_size == 4 and check.cost.measured_at == (4,)
    assert 0 < check.cost.seconds < 10 and check.cost.memory_mb > 50
    cost = check.to_dict()['cost']
    assert cost['minutes_per_1000_iterations'] == pytest.approx(check.cost.seconds * 1000 / 60)
    assert '1,000 iterations' in describe_check(check) and 'peak memory' in describe_check(check)


def test_measuring_leaves_no_trace(config):
    cfg = load_config(config)
    before, state = cfg.pretty_text, torch.get_rng_state()
    measure_step(cfg, size=8)
    assert cfg.pretty_text == before and torch.equal(torch.get_rng_state(), state)


class Clock:
    """Time and memory that are a fixed part and one for each image."""

    def __init__(self, *args):
        self.largest = 0

    def step(self, batch, iteration=0):
        self.largest = max(self.largest, batch)

    def time(self, steps, batch):
        self.step(batch)
        return 3.0 + 0.5 * batch


def test_a_long_step_is_extrapolated(config, monkeypatch):
    cfg = load_config(config)
    cfg.train_dataloader.batch_size = 16
    clock = Clock()
    monkeypatch.setattr(step_cost, '_Trial', lambda *args: clock)
    monkeypatch.setattr(step_cost, '_memory_mb', lambda device: 500.0 + 20 * clock.largest)
    cost = measure_step(cfg, size=8, seconds=0.0)
    assert cost.measured_at == (2,) and cost.seconds == pytest.approx(4 * 16 / 2)
    clock.largest = 0
    monkeypatch.setattr(Clock, 'step', slow_step)
    cost = measure_step(cfg, size=8, seconds=0.3)
    assert cost.measured_at == (2, 4) and 'extrapolated in a line to 16' in cost.method
    assert cost.seconds == pytest.approx(3 + 0.5 * 16)
    assert cost.memory_mb == pytest.approx(500 + 20 * 16)


def slow_step(self, batch, iteration=0):
    self.largest = max(self.largest, batch)
    time.sleep(0.02)


def test_too_little_memory(config, monkeypatch):
    def fail(*args):
        raise torch.OutOfMemoryError('out of memory')

    monkeypatch.setattr(step_cost, '_Trial', fail)
    with pytest.raises(ValueError, match='cpu has too little memory for batches of 4'):
        measure_step(load_config(config), size=8)


def test_lazy_penalties_count_with_their_share():
    trial = object.__new__(step_cost._Trial)
    trial.intervals = [16, 4]
    now = [0.0]

    def step(batch, iteration=0):
        now[0] += 1.0 if iteration else 3.0

    trial.step = step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step_cost.time, 'perf_counter', lambda: now[0])
        assert trial.time(2, 4) == pytest.approx(1 + 2 * (1 / 16 + 1 / 4) / 2)


def test_configs_for_weights_and_devices(tmp_path, monkeypatch):
    weights = tmp_path / 'vgg16.pth'
    for name in ('check', 'step_cost'):
        module = sys.modules[f'mmfncontra.apis.data_check.{name}']
        monkeypatch.setattr(module, 'vgg16_weights_file', lambda: weights)
    first, others = suggest_configs(256)
    assert first.name == 'fastgan-offline.py' and others == []
    assert needs_download(load_config(first.with_name('fastgan.py')))
    assert not needs_download(load_config(first))
    weights.touch()
    first, others = suggest_configs(256, on_gpu=True)
    assert first.name == 'fastgan.py' and others[0].name == 'stylegan2-ada.py'
    assert not needs_download(load_config(first))


def test_a_missing_package_is_a_finding(folder, config, monkeypatch):
    def without_package(*_):
        raise ImportError('timm is not installed: pip install timm')

    module = sys.modules['mmfncontra.apis.data_check.check']
    monkeypatch.setattr(module, 'measure_step', without_package)
    check = check_data(folder, config=config)
    found = [finding for finding in check.findings if 'package' in finding.message]
    assert [(f.remedy, f.must_repair) for f in found] == [
        ('timm is not installed: pip install timm', True)
    ]
    assert check.cost is None


def test_a_training_of_weeks_deserves_a_word():
    cfg = load_config(suggest_configs(256)[0])
    cost = StepCost('cpu', 8, 20.0, 3000.0, (8,), 'measured at batch 8', 0.1)
    (finding,) = cost_remarks(cost, cfg)
    assert 'about 12 days' in finding.message and 'smaller --size' in finding.remedy
    cheap = StepCost('cuda', 8, 0.1, 3000.0, (8,), 'measured at batch 8', 0.1)
    assert cost_remarks(cheap, cfg) == []


def test_photographs(photographs):
    check = check_data(photographs / 'hats', measure=False)
    assert check.trainable and check.findings == [] and check.size == 256
    assert len(check.readable) == 149
