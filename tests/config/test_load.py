from pathlib import Path

import pytest

from mmfncontra.apis import prepare_config


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
