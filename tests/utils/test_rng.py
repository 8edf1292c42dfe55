import random

import numpy as np
import pytest
import torch

from mmfncontra.utils.rng import isolated_rng


def draw() -> tuple[float, float, float]:
    return torch.rand(1).item(), np.random.rand(), random.random()


def seed_all() -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)


def test_repeats_inside_and_changes_nothing_outside() -> None:
    seed_all()
    expected = draw()
    seed_all()
    with isolated_rng(3):
        first = draw()
    assert draw() == expected
    with isolated_rng(3):
        assert draw() == first


def test_gives_states_back_after_an_error() -> None:
    seed_all()
    expected = draw()
    seed_all()
    with pytest.raises(RuntimeError), isolated_rng(3):
        draw()
        raise RuntimeError
    assert draw() == expected


def test_takes_a_seed_too_long_for_numpy() -> None:
    with isolated_rng(2**62 + 3):
        first = draw()
    with isolated_rng(2**62 + 3):
        assert draw() == first
