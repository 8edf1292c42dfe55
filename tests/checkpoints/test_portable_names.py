from types import SimpleNamespace

import torch
from mmengine.registry import MODEL_WRAPPERS
from torch import nn

from mmfncontra.checkpoints.portable_names import PortableCheckpointHook


class Wrapper(nn.Module):
    def __init__(self, module) -> None:
        super().__init__()
        self.module = module


def _gan(wrap=lambda network: network):
    gan = nn.Module()
    gan.generator = wrap(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))
    gan.generator_ema = Wrapper(nn.Linear(2, 3))  # its own name, to be kept
    return gan


def test_names_and_versions_are_those_of_one_device(monkeypatch):
    single = _gan()
    expected = single.state_dict()

    class Parallel(Wrapper):
        pass

    monkeypatch.setitem(MODEL_WRAPPERS._module_dict, 'TestParallel', Parallel)
    model = Parallel(_gan(Parallel))
    state = model.module.state_dict()
    assert 'generator.module.0.weight' in state
    values = {name.replace('generator.module.', 'generator.'): v for name, v in state.items()}
    PortableCheckpointHook().before_save_checkpoint(
        SimpleNamespace(model=model), dict(state_dict=state)
    )
    assert set(state) == set(expected)
    assert 'generator_ema.module.weight' in state
    for name, value in state.items():
        assert torch.equal(value, values[name])
    for name, versions in expected._metadata.items():
        assert state._metadata[name] == versions, name


def test_one_device_is_left_alone():
    model = _gan()
    state = model.state_dict()
    names = list(state)
    PortableCheckpointHook().before_save_checkpoint(
        SimpleNamespace(model=model), dict(state_dict=state)
    )
    assert list(state) == names
