"""mmagic as it is after this package has readied and repaired it."""

from collections.abc import Callable

import pytest
import torch
from mmengine.registry import DefaultScope
from torch import Tensor, nn

import mmfncontra.models.gans  # noqa: F401 (readies mmagic)


@pytest.fixture(autouse=True)
def _no_scope() -> None:
    """mmagic's networks name their parts without a scope; other tests leave theirs behind."""
    DefaultScope._instance_dict.clear()


@pytest.fixture
def build() -> Callable[..., nn.Module]:
    """Build what mmagic's registry holds under a name."""
    from mmagic.registry import MODELS

    return lambda type, **options: MODELS.build(dict(type=type, **options))


@pytest.fixture
def optimise() -> Callable[[nn.Module], object]:
    """Optimisers of a generator and a discriminator, as a runner passes them to a step."""
    from mmengine.optim import OptimWrapper, OptimWrapperDict

    def wrap(part: nn.Module) -> OptimWrapper:
        return OptimWrapper(torch.optim.Adam(part.parameters(), lr=1e-3))

    return lambda model: OptimWrapperDict(
        generator=wrap(model.generator), discriminator=wrap(model.discriminator)
    )


@pytest.fixture
def samples() -> Callable[..., list]:
    """Data samples of uint8 images with the labels 0 and 1."""
    from mmagic.structures import DataSample

    def make(images: Tensor) -> list:
        made = [DataSample(gt_img=image) for image in images]
        for i, sample in enumerate(made):
            sample.set_gt_label(i % 2)
        return made

    return make


@pytest.fixture
def check_step() -> Callable[..., None]:
    """Take a step in which every loss is finite and every weight of the parts moves."""

    def check(
        model: nn.Module, data: dict, optimisers: object, parts: tuple[str, ...], losses: set[str]
    ) -> None:
        weights = {
            f'{part}.{name}': value
            for part in parts
            for name, value in getattr(model, part).named_parameters()
        }
        before = {name: value.detach().clone() for name, value in weights.items()}
        logged = model.train_step(data, optimisers)
        assert logged.keys() >= losses
        assert all(torch.as_tensor(logged[name]).isfinite().all() for name in losses)
        assert [name for name, value in weights.items() if value.equal(before[name])] == []
        assert all(value.isfinite().all() for value in weights.values())

    return check
