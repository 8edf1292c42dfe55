import pytest
from toy_config import write_toy_config


@pytest.fixture
def toy_config(tmp_path):
    """Path of a config that trains a toy GAN in a second, in a folder of its own."""
    return write_toy_config(tmp_path)
