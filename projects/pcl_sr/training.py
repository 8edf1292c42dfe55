"""One training: a config, a seed, mmengine's Runner."""

import time
from collections.abc import Sequence
from multiprocessing import get_start_method
from pathlib import Path
from typing import Any, NamedTuple

from . import models  # noqa: F401  readies mmagic, before any part of it is imported

# isort: split
import numpy as np
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmfncontra.config.build_errors import explain_build_errors
from mmfncontra.models.wavelets import decompose

CONFIGS = Path(__file__).parent / 'configs'


class Result(NamedTuple):
    """What a training came to.

    Attributes:
        psnr: Peak signal-to-noise ratio in dB, mean of the test images.
        ssim: Structural similarity, mean of the test images.
        detail: Detail of the restored images as a share of that of the ground truth, see
            :func:`mean_detail`.
        seconds: How long training and test took.
        images: Restored test images that were asked for, by name, (H, W, 3) uint8, RGB.
    """

    psnr: float
    ssim: float
    detail: float
    seconds: float
    images: dict[str, np.ndarray]


def mean_detail(image: Tensor) -> float:
    """Mean absolute value of the finest Haar sub-bands LH, HL and HH of an image (C, H, W)."""
    _, (detail,) = decompose(image.double())
    return float(detail.abs().mean())


class TestRecord(Hook):
    """Keeps what a test comes to, which mmagic's loop does not return.

    Args:
        names: Names of the photographs, without suffix.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.images: dict[str, np.ndarray] = {}
        self.metrics: dict[str, float] = {}
        self._details: list[tuple[float, float]] = []

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = ()
    ) -> None:
        """Keep those of this batch that are asked for, and the detail of all."""
        for sample in outputs:
            self._details.append((mean_detail(sample.output.pred_img), mean_detail(sample.gt_img)))
            if (name := Path(sample.gt_path).stem) in self.names:
                image = sample.output.pred_img.round().byte().permute(1, 2, 0).numpy()
                # mmagic's metrics are given BGR, whatever the network has.
                self.images[name] = image[..., ::-1]

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Keep the metrics."""
        restored, true = (sum(details) for details in zip(*self._details, strict=True))
        self.metrics = dict(metrics or {}, detail=restored / true)


def load_config(
    name: str | Path,
    pairs: Path,
    work_dir: Path,
    seed: int = 0,
    max_iters: int | None = None,
    options: dict[str, Any] | None = None,
) -> Config:
    """Read a config.

    Args:
        name: Name of one in ``configs``, or a file.
        pairs: Where :func:`~projects.pcl_sr.pairs.write_pairs` has written.
        work_dir: Where the training writes.
        seed: Seed of the training.
        max_iters: Iterations, instead of the config's.
        options: Changes by dotted key.

    Returns:
        The config.
    """
    file = Path(name)
    cfg = Config.fromfile(file if file.suffix == '.py' else CONFIGS / f'{name}.py')
    cfg.randomness.seed = seed
    cfg.work_dir = str(work_dir)
    for split in ('train', 'val', 'test'):
        if loader := cfg[f'{split}_dataloader']:
            loader.dataset.data_root = str(pairs)
    if max_iters is not None and cfg.train_cfg:
        cfg.train_cfg.max_iters = cfg.train_cfg.val_interval = max_iters
        cfg.param_scheduler.T_max = cfg.default_hooks.checkpoint.interval = max_iters
    cfg.merge_from_dict(options or {})
    return cfg


def train_and_test(cfg: Config, keep: Sequence[str] = (), split: str = 'test') -> Result:
    """Train as a config says and test what came of it.

    Args:
        cfg: Config; one without ``train_cfg`` is tested only.
        keep: Names of test images to hand back.
        split: What to test on, ``'test'`` or ``'val'``.

    Returns:
        The result.
    """
    start = time.perf_counter()
    # mmengine knows its loggers by this name, and would go on with that of the training before.
    cfg.experiment_name = f'{Path(cfg.work_dir).name}_{time.time_ns()}'
    # mmengine would warn of another one than this process has.
    cfg.env_cfg.mp_cfg.mp_start_method = get_start_method()
    cfg.test_dataloader = cfg[f'{split}_dataloader']
    # Tested once, below.
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    record = TestRecord(keep)
    with explain_build_errors(cfg):
        runner = Runner.from_cfg(cfg)
        runner.register_hook(record)
        if cfg.train_cfg:
            runner.train()
        runner.test()
    values = [float(record.metrics[name]) for name in ('PSNR', 'SSIM', 'detail')]
    return Result(*values, time.perf_counter() - start, record.images)
