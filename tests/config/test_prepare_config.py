from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from toy_config import write_toy_config

from mmfncontra.apis import prepare_config
from mmfncontra.config.check import check_batch_size

CONFIGS = Path(__file__).parents[2] / 'configs'

FOLDER = {"dataset=dict(type='ToyDrawings')": "dataset=dict(type='ToyImages', data_root=None)"}
WRAPPED = {
    "dataset=dict(type='ToyDrawings')": "dataset=dict(type='RepeatDataset', times=2, "
    "dataset=dict(type='ToyImages', data_root=None))"
}


def _checkpoint(path, **changes):
    content = dict(
        state_dict={'generator.x': torch.zeros(1)},
        meta=dict(epoch=0, iter=2),
        message_hub={},
        optimizer={},
    )
    torch.save({**content, **changes}, path)


def test_defaults(toy_config):
    cfg = prepare_config(toy_config)
    assert cfg.work_dir == 'work_dirs/toy'
    assert cfg.launcher == 'none'
    assert cfg.randomness.seed == 0
    assert not cfg.get('resume') and cfg.get('load_from') is None


def test_arguments_reach_the_config(toy_config, tmp_path):
    cfg = prepare_config(
        toy_config,
        work_dir=tmp_path / 'run',
        cfg_options={'train_cfg.max_iters': 20},
        launcher='pytorch',
        seed=5,
    )
    assert cfg.work_dir == str(tmp_path / 'run')
    assert (cfg.train_cfg.max_iters, cfg.launcher) == (20, 'pytorch')
    assert cfg.randomness == dict(seed=5, diff_rank_seed=True)


def test_amp(toy_config):
    cfg = prepare_config(toy_config, amp=True)
    for name in ('generator', 'discriminator'):
        assert cfg.optim_wrapper[name].type == 'mmfncontra.AutocastOptimWrapper'
    assert cfg.optim_wrapper.constructor == 'MultiOptimWrapperConstructor'


@pytest.mark.parametrize('config', ['stylegan2-ada_64', 'fastgan_64'])
def test_what_amp_does_not_reach_is_said(config, tmp_path, capsys):
    """Blocks of mmagic's StyleGAN2 leave autocast, and nobody would notice."""
    prepare_config(CONFIGS / 'fncontra' / f'{config}.py', amp=True, data=tmp_path)
    said = capsys.readouterr().err.splitlines()
    if config.startswith('fastgan'):
        assert not said
        return
    for part, line in zip(('generator', 'discriminator'), said, strict=True):
        assert line.startswith(f'warning: --amp leaves model.{part} in float32')
        assert f'model.{part}.num_fp16_scales=4' in line


def test_amp_replaces_plain_wrappers_only(tmp_path):
    path = write_toy_config(tmp_path, **{"type='OptimWrapper'": "type='AmpOptimWrapper'"})
    with pytest.raises(ValueError, match=r'optim_wrapper\.discriminator is a AmpOptimWrapper'):
        prepare_config(path, amp=True)


@pytest.mark.parametrize('replaced', [FOLDER, WRAPPED], ids=['plain', 'wrapped'])
def test_data(tmp_path, replaced):
    path = write_toy_config(tmp_path, **replaced)
    dataset = prepare_config(path, data=tmp_path).train_dataloader.dataset
    assert dataset.get('dataset', dataset).data_root == str(tmp_path)
    with pytest.raises(ValueError, match='needs a folder of images: pass --data FOLDER'):
        prepare_config(path)
    with pytest.raises(FileNotFoundError, match=r'--data .*: there is no folder or zip at /.*nowh'):
        prepare_config(path, data=tmp_path / 'nowhere')


def test_a_config_whose_images_are_missing(tmp_path):
    path = write_toy_config(
        tmp_path, **{"dict(type='ToyDrawings')": "dict(type='ToyImages', data_root='data/moons')"}
    )
    with pytest.raises(
        FileNotFoundError,
        match=r'at /.*/data/moons: .*\(docs/datasets\.md says .*\) or pass --data FOLDER',
    ):
        prepare_config(path)


def test_data_for_a_dataset_that_reads_none(toy_config, tmp_path):
    with pytest.raises(ValueError, match=r'reads no folder \(ToyDrawings\)'):
        prepare_config(toy_config, data=tmp_path)


@pytest.mark.parametrize('resume', [True, 'auto'])
def test_resume_the_newest(toy_config, tmp_path, resume):
    _checkpoint(tmp_path / 'iter_2.pth')
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_2.pth'))
    cfg = prepare_config(toy_config, work_dir=tmp_path, resume=resume)
    assert cfg.resume is True and cfg.load_from == str(tmp_path / 'iter_2.pth')


def test_resume_in_a_folder_that_was_moved(toy_config, tmp_path):
    _checkpoint(tmp_path / 'iter_2.pth')
    (tmp_path / 'last_checkpoint').write_text('/before/the/move/iter_2.pth')
    cfg = prepare_config(toy_config, work_dir=tmp_path, resume=True)
    assert cfg.load_from == str(tmp_path / 'iter_2.pth')


def test_resume_where_nothing_is_starts_anew(toy_config, tmp_path, capsys):
    cfg = prepare_config(toy_config, work_dir=tmp_path, resume=True)
    assert cfg.resume is False and cfg.get('load_from') is None
    said = capsys.readouterr().out
    assert 'training starts at iteration 0' in said and said.count('\n') == 1


def test_a_start_named_in_the_config_is_checked(toy_config, tmp_path):
    path = tmp_path / 'a.pth'
    for options in (
        dict(load_from=str(path)),
        dict(load_from=str(path), resume=True),
        dict(resume=str(path)),
    ):
        with pytest.raises(FileNotFoundError, match=r'a\.pth does not exist'):
            prepare_config(toy_config, cfg_options=options)
    torch.save(dict(state_dict={'generator.x': torch.zeros(1)}), path)
    cfg = prepare_config(toy_config, cfg_options=dict(load_from=str(path)))
    assert cfg.load_from == str(path) and cfg.resume is False
    with pytest.raises(ValueError, match='cannot be resumed'):
        prepare_config(toy_config, cfg_options=dict(load_from=str(path), resume=True))
    _checkpoint(path)
    for options in (dict(load_from=str(path), resume=True), dict(resume=str(path))):
        cfg = prepare_config(toy_config, cfg_options=options)
        assert cfg.load_from == str(path) and cfg.resume is True


def test_resume_in_the_text_of_a_config(tmp_path, capsys):
    path = write_toy_config(
        tmp_path, **{'optim_wrapper = dict(': 'resume = True\noptim_wrapper = dict('}
    )
    assert prepare_config(path, work_dir=tmp_path / 'run').resume is False
    assert 'training starts at iteration 0' in capsys.readouterr().out
    _checkpoint(tmp_path / 'iter_2.pth')
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_2.pth'))
    cfg = prepare_config(path, work_dir=tmp_path)
    assert cfg.resume is True and cfg.load_from == str(tmp_path / 'iter_2.pth')


def test_an_interrupted_start_from_weights_resumes(toy_config, tmp_path):
    _checkpoint(tmp_path / 'start.pth')
    options = dict(load_from=str(tmp_path / 'start.pth'))
    cfg = prepare_config(toy_config, work_dir=tmp_path, resume=True, cfg_options=options)
    assert cfg.resume is False and cfg.load_from == str(tmp_path / 'start.pth')
    _checkpoint(tmp_path / 'iter_2.pth')
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_2.pth'))
    cfg = prepare_config(toy_config, work_dir=tmp_path, resume=True, cfg_options=options)
    assert cfg.resume is True and cfg.load_from == str(tmp_path / 'iter_2.pth')


@pytest.mark.parametrize(
    ('place', 'work_dir'),
    [
        ('configs/fncontra/a.py', 'work_dirs/fncontra/a'),
        ('configs/fncontra/ablations/a_db2.2.py', 'work_dirs/fncontra/ablations/a_db2.2'),
        ('configs/b/configs/a.py', 'work_dirs/a'),
        ('elsewhere/a.py', 'work_dirs/a'),
    ],
)
def test_default_work_dir(toy_config, tmp_path, monkeypatch, place, work_dir):
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    toy_config.rename(path)
    assert prepare_config(path).work_dir == work_dir
    monkeypatch.chdir(path.parent)
    assert prepare_config(path.name).work_dir == work_dir


@pytest.mark.parametrize('replaced', [FOLDER, WRAPPED], ids=['plain', 'wrapped'])
def test_images_of_another_size(tmp_path, replaced):
    sized = {
        old: new.replace('data_root=None', "data_root='.', size=8") for old, new in replaced.items()
    }
    path = write_toy_config(
        tmp_path,
        **sized,
        **{"dict(type='ToyDiscriminator')": "dict(type='ToyDiscriminator', in_size=16)"},
    )
    with pytest.raises(
        ValueError, match=r'dataset\.size=8 and model\.discriminator\.in_size=16 must be the same'
    ):
        prepare_config(path)
    cfg = prepare_config(path, cfg_options={'model.discriminator.in_size': 8})
    assert cfg.model.discriminator.in_size == 8
    with pytest.raises(ValueError, match=r'in_size=8 and model\.generator\.out_size=4'):
        prepare_config(
            write_toy_config(
                tmp_path,
                **{
                    "dict(type='ToyDiscriminator')": "dict(type='ToyDiscriminator', in_size=8)",
                    'width=4': 'out_size=4',
                },
            )
        )


def test_classes_of_another_number(tmp_path):
    path = write_toy_config(tmp_path, **FOLDER, **{'width=4': 'width=4, num_classes=3'})
    with pytest.raises(ValueError, match=r'num_classes=0 and model\.generator\.num_classes=3 must'):
        prepare_config(path, data=tmp_path)


def test_resume_a_checkpoint_by_name(toy_config, tmp_path):
    path = tmp_path / 'a.pth'
    with pytest.raises(FileNotFoundError, match='does not exist'):
        prepare_config(toy_config, resume=path)
    path.write_bytes(b'PK\x03\x04 and no more')
    with pytest.raises(ValueError, match='is cut short'):
        prepare_config(toy_config, resume=path)
    torch.save(dict(g={}), path)
    with pytest.raises(ValueError, match="no 'state_dict'"):
        prepare_config(toy_config, resume=path)
    _checkpoint(path)
    assert prepare_config(toy_config, resume=path).load_from == str(path)


def test_a_config_that_is_not_there(tmp_path, monkeypatch):
    (tmp_path / 'configs' / 'fastgan').mkdir(parents=True)
    (tmp_path / 'configs' / 'fastgan' / 'fastgan_moons.py').write_text('')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r'did you mean .*configs/fastgan/fastgan_moons'):
        prepare_config('configs/fastgan/fastgan_mons.py')
    with pytest.raises(FileNotFoundError, match=r'did you mean .*configs/fastgan/fastgan_moons'):
        prepare_config('fastgan_moons')


def test_a_base_that_is_not_there(tmp_path):
    (tmp_path / 'a.py').write_text("_base_ = 'b.py'")
    with pytest.raises(FileNotFoundError, match=r'has a base that is missing: .*b\.py'):
        prepare_config(tmp_path / 'a.py')


def test_not_a_training(tmp_path):
    (tmp_path / 'a.py').write_text('model = dict()')
    with pytest.raises(ValueError, match='has no train_dataloader'):
        prepare_config(tmp_path / 'a.py')


def test_a_module_that_is_not_there(tmp_path):
    path = write_toy_config(tmp_path, **{"'toy_gan'": "'no_such_module'"})
    with pytest.raises(ImportError, match=r'cannot import no_such_module'):
        prepare_config(path)


@pytest.mark.parametrize('bad', [dict(seed=-1), dict(launcher='ray')])
def test_arguments_are_checked(toy_config, bad):
    with pytest.raises(ValueError, match=f'{next(iter(bad))} must be'):
        prepare_config(toy_config, **bad)


@pytest.mark.parametrize(('batch', 'group', 'fits'), [(6, None, False), (6, 3, True), (3, 4, True)])
def test_batches_of_stylegan2(batch, group, fits):
    mbstd = {} if group is None else dict(mbstd_cfg=dict(group_size=group))
    discriminator = dict(type='mmagic.StyleGAN2Discriminator', **mbstd)
    cfg = Config(
        dict(model=dict(discriminator=discriminator), train_dataloader=dict(batch_size=batch))
    )
    if fits:
        check_batch_size(cfg)
        return
    with pytest.raises(ValueError, match=r'batch_size must be a multiple of 4 .*got 6'):
        check_batch_size(cfg)
