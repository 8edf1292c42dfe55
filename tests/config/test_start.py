import pytest
import torch
from toy_config import write_toy_config

from mmfncontra.apis import prepare_config


def _checkpoint(path, **changes):
    content = dict(
        state_dict={'generator.x': torch.zeros(1)},
        meta=dict(epoch=0, iter=2),
        message_hub={},
        optimizer={},
    )
    torch.save({**content, **changes}, path)


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
