import pytest
from bad_input import CONFIG, Trained
from pictures import write_images

from mmfncontra.apis import parse_options, prepare_config, run_training


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current folder, with a config and two images."""
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path / 'images', num=2)
    (tmp_path / 'base.py').write_text(CONFIG)
    return tmp_path


@pytest.fixture
def start(place, monkeypatch):
    """Start a training of the config, changed by some text; it never makes a step."""

    def train_step(self, data, optim_wrapper):
        raise Trained

    from mmfncontra.models.gans import LimitedDataGAN

    monkeypatch.setattr(LimitedDataGAN, 'train_step', train_step)

    def start(text='', options=(), **arguments):
        (place / 'a.py').write_text(f"_base_ = 'base.py'\n{text}\n")
        arguments = dict(work_dir='run') | arguments
        run_training(prepare_config('a.py', cfg_options=parse_options(options), **arguments))

    return start
