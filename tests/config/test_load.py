from pathlib import Path

import pytest
from commands import CONFIGS

from mmfncontra.apis import load_config, prepare_config
from mmfncontra.config.load import check_config_file

SHIPPED = 'fncontra/fastgan-offline_64.py'


def test_a_config_that_is_not_there(tmp_path, monkeypatch):
    (tmp_path / 'configs' / 'fastgan').mkdir(parents=True)
    (tmp_path / 'configs' / 'fastgan' / 'fastgan_moons.py').write_text('')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r'did you mean .*configs/fastgan/fastgan_moons'):
        prepare_config('configs/fastgan/fastgan_mons.py')
    with pytest.raises(FileNotFoundError, match=r'did you mean .*configs/fastgan/fastgan_moons'):
        prepare_config('fastgan_moons')


def test_a_config_of_one_size_is_a_recipe_with_its_size():
    said = (
        r'fastgan_512\.py does not exist; did you mean .*/fncontra/fastgan\.py with --size 512\?$'
    )
    with pytest.raises(FileNotFoundError, match=said):
        prepare_config(Path(__file__).parents[2] / 'configs/fncontra/fastgan_512.py')


def test_a_base_that_is_not_there(tmp_path):
    (tmp_path / 'a.py').write_text("_base_ = 'b.py'")
    with pytest.raises(FileNotFoundError, match=r'has a base that is missing: .*b\.py'):
        prepare_config(tmp_path / 'a.py')


@pytest.mark.parametrize('name', [SHIPPED, f'configs/{SHIPPED}'])
def test_a_name_is_a_config_of_the_package_where_there_is_no_such_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert check_config_file(name) == CONFIGS / SHIPPED
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text('')
    assert check_config_file(name).absolute() == tmp_path / name


def test_the_work_dir_of_a_shipped_config_is_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = prepare_config('fncontra/fastgan_demo.py')
    assert cfg.work_dir == 'work_dirs/fncontra/fastgan_demo'


def test_a_config_of_the_package_is_a_base_by_its_name(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text(f"_base_ = 'mmfncontra::{SHIPPED}'\nlog_level = 'ERROR'\n")
    expected = load_config(CONFIGS / SHIPPED)
    expected.log_level = 'ERROR'
    assert load_config(path).to_dict() == expected.to_dict()
    path.write_text("_base_ = ['mmfncontra::fncontra/nowhere.py']\n")
    with pytest.raises(FileNotFoundError, match=r"mine\.py .*nowhere\.py: 'mmfncontra configs'"):
        load_config(path)
