from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from mmfncontra.engine.hooks import NegativesPanelHook, negatives_panel_hook
from mmfncontra.models.augments import ADA
from mmfncontra.models.wavelets import FrequencyNegatives


@pytest.fixture
def panels(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, np.ndarray]]:
    seen = []

    def plot(columns: dict, title: str) -> Figure:
        seen.append(columns)
        return negatives_panel_hook_plot(columns, title)

    negatives_panel_hook_plot = negatives_panel_hook.plot_negatives
    monkeypatch.setattr(negatives_panel_hook, 'plot_negatives', plot)
    return seen


def darken(images: Tensor) -> Tensor:
    return images - torch.rand(1)


@pytest.fixture
def contrastive(tiny_gan) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        model = tiny_gan()
        model.contrast = SimpleNamespace(
            negatives=FrequencyNegatives(levels=2), difficulties=FrequencyNegatives.LEVELS
        )
        model.augment = darken
        return model

    return build


def test_columns(train, contrastive, tiny_images: np.ndarray, tmp_path: Path, panels: list) -> None:
    train(NegativesPanelHook(num_images=3), model=contrastive())
    assert (tmp_path / 'negatives.png').exists()
    (columns,) = panels
    assert list(columns) == [
        'real',
        'easy\nLL',
        'middle\nLL + LH',
        'hard\nLL + LH + HL',
        'augmented',
    ]
    images = tiny_images[[0, 2, 5]]  # evenly over six
    for shown, image in zip(columns['real'], images, strict=True):
        assert (shown == image).all() or (shown == image[:, ::-1]).all()
    # easy is a block mean; within rounding, because negatives are made from float images
    blocks = columns['real'].reshape(3, 2, 4, 2, 4, 3).mean((2, 4), keepdims=True)
    easy = columns['easy\nLL'].reshape(3, 2, 4, 2, 4, 3)
    assert np.abs(easy - blocks).max() <= 0.51


def test_baseline_has_no_negatives(train, tiny_gan, panels: list) -> None:
    model = tiny_gan()
    model.augment = darken
    train(NegativesPanelHook(), model=model)
    assert list(panels[0]) == ['real', 'augmented']


def test_an_adaptive_augmentation_is_shown_at_half_strength(train, tiny_gan, panels: list) -> None:
    model = tiny_gan()
    model.augment = ADA('color')
    train(NegativesPanelHook(), model=model)
    assert list(panels[0]) == ['real', 'augmented\np = 0.5']
    assert model.augment.strength.value == 0


def test_other_negatives_are_named_by_level(train, tiny_gan, panels: list) -> None:
    model = tiny_gan()
    model.contrast = SimpleNamespace(
        negatives=lambda x: dict(blur=x / 2, noise=x), difficulties=('blur',)
    )
    train(NegativesPanelHook(num_images=20), model=model)
    assert {label: len(images) for label, images in panels[0].items()} == dict(real=6, blur=6)


def test_shows_only_the_levels_in_use(train, contrastive, panels: list) -> None:
    model = contrastive()
    model.contrast.difficulties = ('easy', 'hard')
    train(NegativesPanelHook(), model=model)
    assert list(panels[0]) == ['real', 'easy\nLL', 'hard\nLL + LH + HL', 'augmented']


def test_the_positive_view_is_shown_where_it_is_used(train, contrastive, panels: list) -> None:
    model = contrastive()
    model.contrast.embeds = True
    model.contrast.view = lambda x: -x
    train(NegativesPanelHook(), model=model)
    assert list(panels[0])[-2:] == ['positive', 'augmented']
    positive, real = (panels[0][name].astype(int) for name in ('positive', 'real'))
    assert np.abs(positive + real - 255).max() <= 1


def test_a_resumed_training_keeps_its_picture(train, tmp_path: Path, panels: list) -> None:
    train(NegativesPanelHook(), start_at=2)
    assert len(panels) == 1  # there was none
    train(NegativesPanelHook(), start_at=2)
    assert len(panels) == 1
    train(NegativesPanelHook())  # another training into the same folder
    assert len(panels) == 2


def test_training_is_the_same_with_and_without(train, contrastive) -> None:
    state = contrastive().state_dict()

    def trained(*hooks) -> dict:
        model = contrastive()
        model.load_state_dict(state)
        return train(*hooks, model=model).model.state_dict()

    plain, watched = trained(), trained(NegativesPanelHook())
    for name, value in plain.items():
        assert torch.equal(value, watched[name]), name


def test_other_ranks_write_nothing(train, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(negatives_panel_hook, 'is_main_process', lambda: False)
    train(NegativesPanelHook())
    assert not (tmp_path / 'negatives.png').exists()


def test_refuses_no_images() -> None:
    with pytest.raises(ValueError, match='num_images'):
        NegativesPanelHook(num_images=0)
