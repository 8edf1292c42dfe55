import pytest
from commands import CONFIGS

from mmfncontra.config.copy import copy_config
from mmfncontra.config.load import load_config


@pytest.mark.parametrize('name', ['dcgan/dcgan.py', 'fastgan/fastgan_64.py', 'fncontra/sagan.py'])
def test_one_base_or_several_lines_of_them(tmp_path, name):
    copy_config(CONFIGS / name, tmp_path / 'a.py')
    assert load_config(tmp_path / 'a.py').to_dict() == load_config(CONFIGS / name).to_dict()
    copied, text = (p.read_text().splitlines() for p in (tmp_path / 'a.py', CONFIGS / name))
    changed = [line for line in copied if line not in text]
    assert changed and all("'mmfncontra::" in line for line in changed)


def test_another_config_is_refused(tmp_path):
    (tmp_path / 'a.py').write_text("_base_ = './b.py'\n")
    with pytest.raises(ValueError, match=r'a\.py is no config of the package'):
        copy_config(tmp_path / 'a.py', tmp_path / 'c.py')
