from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.visualization import TensorboardVisBackend
from PIL import Image
from torch import nn

from mmfncontra.engine.hooks import SampleGridHook, sample_grid_hook


def grids(work_dir: Path) -> list[str]:
    return sorted(path.name for path in (work_dir / 'samples').glob('*'))


def test_writes_first_intervals_and_last(train, tmp_path: Path) -> None:
    train(SampleGridHook(interval=2, num_images=4), max_iters=5)
    assert grids(tmp_path) == [f'iter_{i:06d}.png' for i in (0, 2, 4, 5)]
    image = np.asarray(Image.open(tmp_path / 'samples' / 'iter_000005.png'))
    assert image.shape == (262, 262, 3)  # two rows of 8-pixel images, sixteen times as large


def test_resume_counts_on(train, tmp_path: Path) -> None:
    train(SampleGridHook(interval=2, num_images=4), start_at=4, max_iters=6)
    assert grids(tmp_path) == ['iter_000006.png']


def test_noise_is_fixed(train, tmp_path: Path) -> None:
    class Freeze(Hook):
        def before_train(self, runner) -> None:
            runner.model.train_step = lambda data, optim_wrapper: {}

    train(Freeze(), SampleGridHook(interval=2, num_images=4))
    first, second, last = ((tmp_path / 'samples' / name).read_bytes() for name in grids(tmp_path))
    assert first == second == last


@pytest.mark.parametrize('ema', [True, False])
def test_training_is_the_same_with_and_without(train, tiny_gan, ema: bool) -> None:
    torch.manual_seed(1)
    state = tiny_gan(ema).state_dict()

    def trained(*hooks: Hook) -> dict:
        model = tiny_gan(ema)
        model.load_state_dict(state)
        return train(*hooks, model=model, max_iters=6).model.state_dict()

    plain, watched = trained(), trained(SampleGridHook(interval=1, num_images=4))
    assert any((plain[name] != state[name]).any() for name in state)
    for name, value in plain.items():
        assert torch.equal(value, watched[name]), name


def test_other_ranks_write_nothing(train, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sample_grid_hook, 'is_main_process', lambda: False)
    train(SampleGridHook(interval=2))
    assert not (tmp_path / 'samples').exists()


class Wrapper(nn.Module):
    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module


def test_samples_through_wrappers(tiny_gan, monkeypatch: pytest.MonkeyPatch) -> None:
    from mmfncontra.utils import unwrap

    model = tiny_gan(ema=False)
    hook = SampleGridHook(num_images=4)
    expected = hook._sample(model)
    model.generator = Wrapper(model.generator)
    monkeypatch.setattr(unwrap, 'is_model_wrapper', lambda module: isinstance(module, Wrapper))
    assert (hook._sample(unwrap.unwrap(Wrapper(model))) == expected).all()


def test_other_backends_get_the_grid(train, monkeypatch: pytest.MonkeyPatch) -> None:
    class Recorder(TensorboardVisBackend):
        def __init__(self) -> None:
            self.images = []

        def add_image(self, name, image, step=0, **kwargs) -> None:
            self.images.append((name, image.shape, step))

        def close(self) -> None:
            pass

    recorder = Recorder()

    class Attach(Hook):
        priority = 'HIGHEST'

        def before_train(self, runner) -> None:
            runner.visualizer._vis_backends['recorder'] = recorder
            monkeypatch.setattr(runner.visualizer, 'add_scalars', lambda *a, **k: None)

    train(Attach(), SampleGridHook(interval=4, num_images=4))
    assert recorder.images == [('samples', (262, 262, 3), 0), ('samples', (262, 262, 3), 4)]


@pytest.mark.parametrize('name', ['interval', 'num_images', 'nrow', 'batch_size'])
def test_refuses_zero(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        SampleGridHook(**{name: 0})
