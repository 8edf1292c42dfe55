"""Commands and configs of projects/pcl_sr."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from commands import run_python
from PIL import Image

from projects.pcl_sr import run as run_all
from projects.pcl_sr import train, training
from projects.pcl_sr.models import upsample
from projects.pcl_sr.pairs import split_photographs, write_pairs

PROJECT = Path(__file__).parents[2] / 'projects/pcl_sr'
MODELS = {
    'bicubic': 'BaseEditModel',
    'edsr': 'BaseEditModel',
    'edsr_contrast': 'ContrastiveSRGAN',
    'srgan': 'SRGAN',
    'srgan_contrast': 'ContrastiveSRGAN',
    'esrgan': 'ESRGAN',
    'esrgan_contrast': 'ContrastiveESRGAN',
}


COMMAND = """
import runpy, sys
sys.argv = {argv!r}
try:
    runpy.run_path(sys.argv[0], run_name='__main__')
except SystemExit as end:
    assert end.code == 0, end.code
gans = [name for name in sys.modules if name.startswith('mmfncontra.models.gans')]
print('imported:', *gans, 'mmfncontra.models.losses.restoration_contrast_loss' in sys.modules)
"""


@pytest.fixture(scope='module')
def finished(noise, tmp_path_factory):
    """What the command leaves, and its standard output."""
    folder = tmp_path_factory.mktemp('run')
    (folder / 'README.md').write_text('before\n<!-- results: written by run.py -->\nold\n')
    with (folder / 'README.md').open('a') as readme:
        readme.write('<!-- end of results -->\nafter\n')
    argv = [str(PROJECT / 'run.py'), '--quick', '--data', str(noise), '--out', str(folder)]
    argv += ['--work-dir', str(folder / 'work'), '--seeds', '0', '--jobs', '1']
    done = run_python('-c', COMMAND.format(argv=argv), cwd=folder)
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


def test_a_config_starts_by_itself(noise, tmp_path):
    done = run_python(
        PROJECT / 'train.py', PROJECT / 'configs/srgan_contrast.py', '--data', noise,
        '--work-dir', tmp_path / 'work', '--cfg-options', 'train_cfg.max_iters=1',
        'default_hooks.logger.interval=1',
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith('PSNR ')
    assert 'loss_contrast: ' in done.stdout


@pytest.mark.parametrize('lacking', ['shoes', 'hats'])
@pytest.mark.parametrize('command', [run_all, train], ids=lambda module: module.__name__)
def test_missing_data_are_answered_by_the_name_of_the_option(command, lacking, mistake, tmp_path):
    (tmp_path / ({'shoes', 'hats'} - {lacking}).pop()).mkdir()
    config = [PROJECT / 'configs/edsr.py'] if command is train else []
    said = mistake(command.main, *config, '--data', tmp_path)
    assert said.endswith(
        'error: --data must be a folder that holds the folders shoes and hats, got '
        f'{tmp_path}, which has no folder {lacking}'
    )


def test_quick_numbers_do_not_reach_the_readme(mistake, noise):
    before = (PROJECT / 'README.md').read_bytes()
    assert '--quick needs --out' in mistake(run_all.main, '--quick', '--data', noise)
    assert (PROJECT / 'README.md').read_bytes() == before


def test_no_training_at_a_time_is_refused(mistake, noise):
    said = mistake(run_all.main, '--quick', '--out', __file__, '--data', noise)
    assert said == f'error: --out must be a folder, but {__file__} is a file'
    said = mistake(run_all.main, '--jobs', 0, '--data', noise)
    assert said.endswith('error: --jobs must be 1 or more, got 0')


def test_each_training_has_its_config_seed_and_folder(noise, tmp_path):
    argv = ['--seeds', '4', '7', '--data', noise, '--work-dir', tmp_path / 'work']
    args = run_all.parse_args([str(word) for word in argv])
    configs = run_all.list_configs(args, tmp_path / 'pairs')
    wanted = [('bicubic', 4), *((name, s) for name in MODELS if name != 'bicubic' for s in (4, 7))]
    assert sorted(configs) == sorted(wanted) and next(iter(configs)) == ('bicubic', 4)
    for (name, seed), cfg in configs.items():
        assert Path(cfg.filename).stem == name
        assert cfg.model.type == MODELS[name]
        assert ('contrast' in cfg.model) == name.endswith('_contrast')
        assert cfg.randomness.seed == seed
        assert Path(cfg.work_dir) == tmp_path / 'work' / f'{name}_{seed}'
        loaders = [cfg[f'{split}_dataloader'] for split in ('train', 'val', 'test')]
        assert {loader.dataset.data_root for loader in loaders if loader} == {
            str(tmp_path / 'pairs')
        }


@pytest.fixture
def untrained(monkeypatch):
    """What run.py hands over to trainings that do not take place."""
    given = []

    def nothing(function, jobs, processes):
        given.append((function, jobs, processes))
        image = np.zeros((128, 128, 3), np.uint8)
        # The last one ends first.
        for place, name in reversed(list(enumerate(jobs))):
            yield name, training.Result(20.0 + place, 0.5, 0.5, 1.0, {jobs[name][1][0]: image})

    monkeypatch.setattr(run_all, 'run_jobs', nothing)
    return given


def test_drawn_shells_are_for_the_picture_alone(untrained, tmp_path, capsys):
    run_all.main(['--quick', '--drawn', '--out', f'{tmp_path}/out', '--work-dir', f'{tmp_path}/w'])
    ((_, jobs, _),) = untrained
    assert len(jobs) == 7 and {seed for _, seed in jobs} == {0}
    pairs = {p.name: len(list((p / 'gt').iterdir())) for p in (tmp_path / 'w/pairs').iterdir()}
    assert pairs == {'train': 4, 'test': 2}
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['comparison.png']
    assert '0005, restored with seed 0' in capsys.readouterr().out


def test_a_picture_of_photographs_stays_out_of_the_project(untrained, noise, tmp_path, monkeypatch):
    monkeypatch.setattr(run_all, 'HERE', tmp_path / 'project')
    argv = ['--data', noise, '--seeds', 0, '--out', tmp_path / 'project', '--work-dir', tmp_path]
    run_all.main([str(word) for word in argv])
    assert (tmp_path / 'comparison.png').is_file()
    assert [path.name for path in (tmp_path / 'project').iterdir()] == ['README.md']
    assert '.png' not in (tmp_path / 'project/README.md').read_text()


def test_run_hands_over_all_trainings_and_how_many_at_a_time(untrained, noise, tmp_path):
    argv = ['--quick', '--seeds', 4, 7, '--jobs', 3, '--data', noise, '--out', tmp_path / 'out']
    run_all.main([str(word) for word in (*argv, '--work-dir', tmp_path / 'work')])
    ((function, jobs, processes),) = untrained
    assert (function, processes) == (training.train_and_test, 3)
    assert len(jobs) == 13
    assert all(Path(cfg.filename).stem == name for (name, _), (cfg, _) in jobs.items())
    text = (tmp_path / 'out' / 'README.md').read_text()
    assert '12 trainings and their tests took' in text and '3 at a time' in text
    # Seeds 4 and 7 of EDSR are the second and the third job.
    assert '| bicubic | 20.00 |' in text and '| EDSR | 21.50 ± 0.71 |' in text


@pytest.fixture
def trained(monkeypatch):
    """What train.py hands over to a training that does not take place."""
    given = {}

    def nothing(cfg, split):
        given.update(cfg=cfg, split=split)
        return training.Result(20.0, 0.5, 0.5, 1.0, {})

    monkeypatch.setattr(training, 'train_and_test', nothing)
    return given


def test_train_hands_over_what_the_command_line_says(noise, tmp_path, trained):
    argv = [PROJECT / 'configs/esrgan.py', '--data', noise, '--work-dir', tmp_path / 'work']
    argv += ['--seed', 5, '--split', 'val', '--cfg-options', 'train_cfg.max_iters=9']
    train.main([str(word) for word in argv])
    cfg = trained['cfg']
    assert trained['split'] == 'val' and cfg.randomness.seed == 5
    assert Path(cfg.work_dir) == tmp_path / 'work' and Path(cfg.filename).stem == 'esrgan'
    assert cfg.train_cfg.max_iters == 9
    assert Path(cfg.train_dataloader.dataset.data_root) == tmp_path / 'work' / 'pairs'


@pytest.mark.parametrize(
    ('config', 'option', 'said'),
    [
        (
            'edsr',
            'train_cfg.max_iter=1',
            "error: train_cfg: IterBasedTrainLoop has no argument 'max_iter'; did you mean "
            "'max_iters'?",
        ),
        (
            'edsr',
            'model.generator.type=EDSRNett',
            "error: model.generator.type: there is no model 'EDSRNett'; did you mean EDSRNet",
        ),
        (
            'srgan_contrast',
            'model.contrast.loss.objective.type=mmfncontra.DebiasedInfoNCE',
            'error: model.contrast.loss.objective must do without other images, such as InfoNCE, '
            'DCL or DCLW, got DebiasedInfoNCE, which needs them',
        ),
    ],
    ids=['argument', 'type', 'objective'],
)
def test_a_mistake_in_a_config_is_answered_in_a_line(
    config, option, said, noise, tmp_path, mistake
):
    argv = [PROJECT / f'configs/{config}.py', '--data', noise, '--work-dir', tmp_path]
    # Further names may follow, by what else was imported.
    assert mistake(train.main, *argv, '--cfg-options', option).startswith(said)


def test_a_config_that_is_not_there_is_answered_by_its_name(noise, mistake):
    said = mistake(train.main, 'nothing.py', '--data', noise)
    assert said.endswith('error: CONFIG must be a file, got nothing.py')


@pytest.mark.parametrize('split', ['test', 'val'])
def test_kept_images_are_rgb_and_of_the_split(split, noise, tmp_path):
    files = split_photographs(noise)[split][:2]
    pairs = write_pairs({split: files}, tmp_path / 'pairs')
    cfg = training.load_config('bicubic', pairs, tmp_path / 'work')
    result = training.train_and_test(cfg, [files[1].stem], split)
    assert list(result.images) == [files[1].stem]
    reduced = cv2.imread(str(pairs / split / 'lr' / f'{files[1].stem}.bmp'))[..., ::-1]
    x = torch.from_numpy(reduced.copy()).float().permute(2, 0, 1)[None]
    expected = upsample(x, 4)[0].permute(1, 2, 0).round().clamp(0, 255).numpy()
    image = result.images[files[1].stem]
    assert image.dtype == np.uint8 and np.abs(image - expected).max() <= 1
    # Which the other order of colours is far from.
    assert np.abs(image[..., ::-1] - expected).mean() > 10
