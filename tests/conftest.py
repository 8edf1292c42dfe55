"""Fixtures shared by the tests."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pictures import write_images
from toy_config import write_toy_config

SHARED = Path(os.environ.get('MMFNCONTRA_SHARED', Path(__file__).parents[2] / 'shared'))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption('--slow', action='store_true', help='run those marked as slow too')
    parser.addoption('--gpu', action='store_true', help='run those that need a GPU, on it, alone')


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line('markers', 'slow: repeats at length what a shorter test shows')
    config.addinivalue_line('markers', 'gpu: needs a GPU')
    if not config.getoption('--gpu'):
        # What is compared to the bit, or has two ranks, is for the CPU. Before mmengine is
        # imported, which picks its device then.
        os.environ['CUDA_VISIBLE_DEVICES'] = ''


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    on_gpu = config.getoption('--gpu')
    for item in items:
        if item.get_closest_marker('slow') and not config.getoption('--slow'):
            item.add_marker(pytest.mark.skip(reason='takes long: pytest --slow'))
        if item.get_closest_marker('gpu') and not (on_gpu and torch.cuda.is_available()):
            item.add_marker(pytest.mark.skip(reason='needs a GPU, and pytest --gpu'))
    if on_gpu:
        others = [item for item in items if not item.get_closest_marker('gpu')]
        items[:] = [item for item in items if item.get_closest_marker('gpu')]
        config.hook.pytest_deselected(items=others)


def shared(*parts: str) -> Path:
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f'{path} is not here: reference material is kept beside the checkout')
    return path


@pytest.fixture(scope='session')
def golden() -> Callable[[str], Path]:
    """Path of a reference file by name; the test is skipped where the file is absent."""
    return lambda name: shared('golden', name)


@pytest.fixture(scope='session')
def photographs() -> Path:
    """Folder that holds the photograph sets ``hats`` and ``shoes``."""
    return shared('data')


@pytest.fixture(scope='session')
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of six images of 64x64 pixels."""
    return write_images(tmp_path_factory.mktemp('images'))


@pytest.fixture
def toy_config(tmp_path: Path) -> Path:
    """A config that trains a toy GAN in a second, in a folder of its own."""
    return write_toy_config(tmp_path)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _forget_other_trainings() -> None:
    from mmengine.logging import MessageHub, MMLogger
    from mmengine.registry import DefaultScope
    from mmengine.visualization import Visualizer

    # mmengine tells trainings apart by the second in which they start, and keeps their scope.
    for kept in (MMLogger, MessageHub, Visualizer, DefaultScope):
        kept._instance_dict.clear()


@pytest.fixture
def default_scope(_forget_other_trainings: None) -> None:
    """Make ours the scope of names that have none."""
    from mmengine.registry import init_default_scope

    init_default_scope('mmfncontra')
