import pytest
from mmengine.logging import MessageHub, MMLogger
from mmengine.visualization import Visualizer
from toy_config import write_toy_config


@pytest.fixture
def toy_config(tmp_path):
    """Path of a config that trains a toy GAN in a second, in a folder of its own."""
    return write_toy_config(tmp_path)


@pytest.fixture(autouse=True)
def _forget_other_trainings():
    # mmengine tells trainings apart by the second in which they start.
    for kept in (MMLogger, MessageHub, Visualizer):
        kept._instance_dict.clear()
