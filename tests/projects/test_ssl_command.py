"""Data, probe, table and commands of projects/ssl."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from PIL import Image
from ssl_models import SSL, build_ssl_model, ssl_config


@pytest.mark.parametrize('split', ['train', 'test'])
def test_digits_are_always_the_same(split):
    from sklearn.datasets import load_digits

    from projects.ssl import Digits

    one, two = (Digits(split=split, size=8) for _ in range(2))
    assert len(one) == dict(train=1198, test=599)[split]
    assert all(np.array_equal(a['img'], b['img']) for a, b in zip(one, two, strict=True))
    images, labels = load_digits(return_X_y=True)
    known = {x.astype(int).tobytes(): y for x, y in zip(images, labels, strict=True)}
    for sample in one:
        grey = np.ceil(sample['img'][..., 0].astype(int) * 16 / 255).astype(int)
        assert known[grey.ravel().tobytes()] == sample['gt_label']


def test_test_images_are_not_trained_on():
    from projects.ssl import Digits

    train, test = (
        [sample['img'].tobytes() for sample in Digits(split=split, size=8)]
        for split in ('train', 'test')
    )
    assert not set(train) & set(test)
    train, test = (
        (SSL / 'splits' / f'hats_shoes_{split}.txt').read_text().splitlines()
        for split in ('train', 'test')
    )
    assert (len(train), len(test)) == (297, 149)
    assert len({*train, *test}) == 446
    assert {line.split('/')[0] + line[-2:] for line in train + test} == {'hats 0', 'shoes 1'}


def test_digits_refuse_another_split():
    from projects.ssl import Digits

    with pytest.raises(ValueError, match=r"split must be one of .*, got 'val'"):
        Digits(split='val')


def test_probe_tells_separable_classes_apart():
    from projects.ssl import linear_probe

    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=300)
    # Scales that differ by a million: the probe standardises.
    scales = np.array([1e-3, 1.0, 1e3, 1.0])
    features = (np.eye(4)[labels] * 10 + rng.normal(size=(300, 4))) * scales
    assert linear_probe((features[:200], labels[:200]), (features[200:], labels[200:])) == 1.0
    noise = rng.normal(size=(300, 4))
    assert linear_probe((noise[:200], labels[:200]), (noise[200:], labels[200:])) < 0.5


def test_features_are_those_of_the_backbone_in_evaluation_mode():
    from mmpretrain.registry import DATASETS

    from projects.ssl import extract_features

    cfg = ssl_config('simclr_digits')
    model = build_ssl_model(dict(cfg.model, data_preprocessor=cfg.data_preprocessor))
    dataset = dict(cfg.custom_hooks[0].test, indices=130)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        features, labels = extract_features(model.train(), dataset)
        samples = DATASETS.build(dataset)
    assert features.shape == (130, 128) and not model.training
    for place in (0, 129):
        image = (samples[place]['inputs'][None].float() - 78) / 96
        with torch.no_grad():
            expected = model.backbone(image)[-1].mean(dim=(2, 3))[0]
        torch.testing.assert_close(torch.from_numpy(features[place]), expected)
        assert labels[place] == int(samples[place]['data_samples'].gt_label)


def test_table_says_what_may_be_chance():
    from projects.ssl.results import format_table

    table = format_table(
        {
            ('', ''): [0.5, 0.6],
            ('A', 'plain'): [0.7, 0.8],
            ('A', 'clear'): [0.8, 0.9],
            ('A', 'unclear'): [0.7, 0.9],
        },
        num_test=50,
    )
    assert '| none | random weights | 55.0 ± 7.1 | |' in table
    assert '| A | plain | 75.0 ± 7.1 |  |' in table
    assert '| A | clear | 85.0 ± 7.1 | +10.0 |' in table
    assert 'over 2 seeds: A with clear (+10.0). Within it' in table
    assert 'A with unclear (+5.0)' in table
    assert 'one of the 50 test images is 2.0 points' in table


def test_table_says_when_nothing_was_learned():
    from projects.ssl.results import format_table

    learned = {('', ''): [0.5, 0.6], ('A', 'plain'): [0.7, 0.8], ('B', 'plain'): [0.9, 0.9]}
    assert 'did not get beyond' not in format_table(learned, num_test=50)
    table = format_table({**learned, ('', ''): [0.75, 0.8]}, num_test=50)
    assert 'Plain A did not get beyond random weights here' in table
    worse = {**learned, ('', ''): [0.95, 0.96]}
    assert 'Plain A and B did not get beyond' in format_table(worse, num_test=50)


def test_results_go_between_the_markers(tmp_path):
    from projects.ssl.results import BEGIN, END, write_results

    file = tmp_path / 'README.md'
    file.write_text(f'before\n{BEGIN}\nold\n{END}\nafter\n')
    write_results(file, 'new')
    assert file.read_text() == f'before\n{BEGIN}\n\nnew\n\n{END}\nafter\n'
    file.write_text('no markers\n')
    with pytest.raises(ValueError, match='must have the lines'):
        write_results(file, 'new')
    assert file.read_text() == 'no markers\n'
    assert (SSL / 'README.md').read_text().count(BEGIN) == 1


def test_quick_numbers_do_not_go_to_the_readme(capsys):
    from projects.ssl.run import parse_args

    with pytest.raises(SystemExit, match='2'):
        parse_args(['--quick'])
    assert '--quick needs --out' in capsys.readouterr().err


def _draw_photographs(folder):
    """As many images, of the same names, as the lists of the project say; drawn."""
    rng = np.random.default_rng(0)
    for split in ('train', 'test'):
        for line in (SSL / 'splits' / f'hats_shoes_{split}.txt').read_text().splitlines():
            file = folder / line.split()[0]
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(256, size=(6, 6, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((64, 64)).save(file)


RUN = """
import runpy, sys
sys.argv = {argv!r}
try:
    runpy.run_path(sys.argv[0], run_name='__main__')
except SystemExit as end:
    assert end.code == 0, end.code
heavy = [name for name in sys.modules if name.startswith(('mmagic', 'mmfncontra.models.gans'))]
assert 'mmpretrain' in sys.modules and not heavy, heavy
"""


def _run(cwd, *argv):
    code = RUN.format(argv=[str(SSL / 'run.py'), *map(str, argv)])
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''}
    done = subprocess.run(
        [sys.executable, '-c', code], cwd=cwd, env=environment, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


def test_the_command_trains_all_without_mmagic(tmp_path):
    _draw_photographs(tmp_path / 'data')
    readme = (SSL / 'README.md').read_bytes()
    done = _run(
        tmp_path, '--quick', '--seeds', 0, '--data', tmp_path / 'data', '--out', 'table.md',
        '--jobs', 1,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == 'done: table.md'
    assert 'Warning' not in done.stderr
    table = (tmp_path / 'table.md').read_text()
    assert table.count('\n| none | random weights |') == 2
    for method in ('SimCLR', 'MoCo v2'):
        for variant in ('plain', 'masking + feature mixing', 'SSCL', 'DCL'):
            assert table.count(f'\n| {method} | {variant} |') == 2
    assert '16 trainings and their probes took' in table
    assert 'One seed: no difference can be told from chance' in table
    assert 'was left out' not in table
    assert (SSL / 'README.md').read_bytes() == readme


def test_train_starts_onessl_config(tmp_path, monkeypatch, capsys):
    from projects.ssl import train

    monkeypatch.chdir(tmp_path)
    options = ['train_cfg.max_epochs=1', 'train_dataloader.dataset.indices=64']
    options += ['train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False']
    arguments = [str(SSL / 'configs' / 'mocov2-sscl_digits.py'), '--seed', '3']
    train.main([*arguments, '--cfg-options', *options])
    folder = Path('work_dirs/ssl/mocov2-sscl_digits')
    assert capsys.readouterr().out.splitlines()[-1].startswith(f'done: {folder}, linear probe ')
    state = torch.load(folder / 'epoch_1.pth', weights_only=True)['state_dict']
    assert 'queue' in state and all(value.isfinite().all() for value in state.values())


def test_without_photographs_digits_are_left_at_any_number_of_jobs(tmp_path, monkeypatch, capsys):
    from projects.ssl import run

    monkeypatch.chdir(tmp_path)
    said = 'Hats against shoes was left out: nowhere does not hold hats/ and shoes/.'
    tables = []
    for jobs in '12':
        options = ['--data', 'nowhere', '--out', f'{jobs}.md', '--jobs', jobs]
        run.main(['--quick', '--seeds', '0', '--methods', 'mocov2', *options])
        assert said in capsys.readouterr().out
        tables.append(Path(f'{jobs}.md').read_text())
    one, two = (re.sub(r'took .*', '', table) for table in tables)
    assert said in one and '### Digits' in one and '### Hats' not in one
    # How many processes there are changes nothing.
    assert one == two and tables[1].count('2 at a time') == 1
