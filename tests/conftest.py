"""Fixtures shared by the tests."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.visualization import Visualizer

SHARED = Path(os.environ.get('MMFNCONTRA_SHARED', Path(__file__).parents[2] / 'shared'))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption('--slow', action='store_true', help='run those marked as slow too')


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line('markers', 'slow: repeats at length what a shorter test shows')


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption('--slow'):
        for item in items:
            if item.get_closest_marker('slow'):
                item.add_marker(pytest.mark.skip(reason='takes long: pytest --slow'))


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


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _forget_other_trainings() -> None:
    # mmengine tells trainings apart by the second in which they start.
    for kept in (MMLogger, MessageHub, Visualizer):
        kept._instance_dict.clear()
