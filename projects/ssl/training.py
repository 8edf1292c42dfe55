"""From a config of this project to a probed training."""

from multiprocessing import get_start_method
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmpretrain.registry import DATASETS

from mmfncontra.config.build_errors import explain_build_errors
from projects.photographs import find_data

from .linear_probe import LinearProbeHook, settle_batchnorm

CONFIGS = Path(__file__).parent / 'configs'


def load_config(
    config: str | Path,
    work_dir: str | Path,
    seed: int | None = None,
    data: str | Path | None = None,
    options: dict[str, Any] | None = None,
) -> Config:
    """Read a config and set what a command line says.

    Args:
        config: Its file.
        work_dir: Where logs and checkpoints go.
        seed: Seed of the training; ``None``: that of the config.
        data: Folder that holds ``hats`` and ``shoes``; ``None``: that of the config. Digits have no
            use for it.
        options: Further values by dotted key.
    """
    # Dumped without yapf, whose formatting takes as long as some steps, four times a training.
    values = Config.fromfile(config).to_dict()
    cfg = Config(values, filename=str(config), format_python_code=False)
    cfg.work_dir = str(work_dir)
    if seed is not None:
        cfg.randomness.seed = seed
    if data is not None:
        for dataset in datasets(cfg):
            if 'data_root' in dataset:
                dataset.data_root = str(data)
    cfg.merge_from_dict(options or {})
    return cfg


def datasets(cfg: Config) -> list[dict]:
    """Configs of the data sets that are trained on, probed on and tested on.

    Args:
        cfg: Config of a training.
    """
    probe = cfg.custom_hooks[0]
    return [cfg.train_dataloader.dataset, probe.train, probe.test]


def train(cfg: Config) -> float:
    """Train and probe.

    Args:
        cfg: Config of a training.

    Returns:
        Test accuracy of the probe, in [0, 1].

    Raises:
        ValueError: If a component cannot be built, or photographs are not where the config says.
    """
    for dataset in datasets(cfg):
        if 'data_root' in dataset:
            find_data(dataset.data_root)
    with explain_build_errors(cfg):
        runner = Runner.from_cfg(cfg)
        runner.train()
    return runner.message_hub.get_info('probe/accuracy')


def probe_untrained(cfg: Config) -> float:
    """Probe the network as it is before its training, with the data's BatchNorm statistics.

    Args:
        cfg: Config of a training.

    Returns:
        Test accuracy of the probe, in [0, 1].
    """
    runner = Runner.from_cfg(cfg)
    runner.model.init_weights()
    probe = next(hook for hook in runner.hooks if isinstance(hook, LinearProbeHook))
    settle_batchnorm(runner.model, probe.train)
    return probe.probe(runner.model)


def measure(cfg: Config, is_trained: bool) -> float:
    """Probe a network after its training, or without any.

    Args:
        cfg: Config of a training.
        is_trained: Whether to train it.

    Returns:
        Test accuracy of the probe, in [0, 1].
    """
    # mmengine would warn of another one than this process has.
    cfg.env_cfg.mp_cfg.mp_start_method = get_start_method()
    return train(cfg) if is_trained else probe_untrained(cfg)


def num_test_images(cfg: Config) -> int:
    """How many images the probe is tested on.

    Args:
        cfg: Config of a training.
    """
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        return len(DATASETS.build(datasets(cfg)[-1]))
