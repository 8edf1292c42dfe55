"""The training step of a config on random images, set up as a training sets it up, and its time."""

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parents[1]
# Calls of a GPU's work between two looks at its clock: a training does not wait for each of them.
IN_A_ROW = 5


class Step:
    """The training step of one config on random images that are on the device.

    What it imports of the package is imported when one is built, so that a process with another
    version of the package in its path times that one.

    Args:
        config: File of a config, below the working directory.
        batch: Images in a batch.
        device: ``'cpu'``, ``'cuda'``, or ``'meta'`` to count operations only.
        amp: Whether it computes in bfloat16.
        changes: Values in place of those of the config, by dotted key.

    Attributes:
        model: The GAN.
        optimisers: Its optimisers.
        batch: Images in a batch.
        precision: ``'bfloat16'`` or ``'float32'``.
    """

    def __init__(
        self,
        config: str,
        batch: int,
        device: str = 'cpu',
        amp: bool = False,
        changes: Mapping[str, object] | None = None,
    ) -> None:
        from mmengine.config import Config
        from mmengine.logging import MessageHub
        from mmengine.registry import init_default_scope

        import mmfncontra.models.gans
        from mmfncontra.engine import MultiOptimWrapperConstructor
        from mmfncontra.registry import MODELS

        assert mmfncontra.models.gans  # registers the model
        init_default_scope('mmfncontra')
        self.batch, self.device = batch, device
        self.precision = 'bfloat16' if amp else 'float32'
        self._hub = MessageHub.get_current_instance()
        cfg = Config.fromfile(config)
        cfg.merge_from_dict(dict(changes or {}))
        with tempfile.TemporaryDirectory() as folder:
            rec = (cfg.model.get('disc_auxiliary_losses') or {}).get('rec')
            if rec and rec['type'] == 'LPIPSReconstructionLoss' and 'variant' not in rec:
                rec['backbone_weights'] = write_random_vgg(Path(folder))
            torch.manual_seed(0)
            self.model = MODELS.build(cfg.model).to(device).train()
        wrappers = {k: v for k, v in cfg.optim_wrapper.items() if k != 'constructor'}
        if amp:
            wrappers = {k: {**v, 'type': 'AutocastOptimWrapper'} for k, v in wrappers.items()}
        if device == 'meta':  # nothing there has a value
            self.model._ema_started = True
            self.model._trained_by_disc = list(self.model.discriminator.parameters())
            for wrapper in wrappers.values():
                wrapper['optimizer']['fused'] = False
        self.optimisers = MultiOptimWrapperConstructor(wrappers)(self.model)
        size = cfg.model.generator.out_size
        images = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8)
        self.data = dict(inputs=images.to(device))

    def __call__(self, iteration: int = 1) -> dict[str, torch.Tensor]:
        """Train for one iteration; at 1 no penalty with an interval is due, at 0 all are."""
        self._hub.update_info('iter', iteration)
        return self.model.train_step(self.data, self.optimisers)


def write_random_vgg(folder: Path) -> str:
    """Write VGG16's convolutions with random weights, as torchvision writes them."""
    from torchvision.models.vgg import cfgs, make_layers

    torch.manual_seed(0)
    features = make_layers(cfgs['D'])
    for layer in features:
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, mode='fan_out', nonlinearity='relu')
            torch.nn.init.zeros_(layer.bias)
    path = folder / 'vgg16.pth'
    torch.save({f'features.{name}': value for name, value in features.state_dict().items()}, path)
    return str(path)


def use_the_machine() -> None:
    """Set up the process as a training with the configs' settings does."""
    from mmengine.config import Config

    try:
        from mmfncontra.engine.machine_settings import apply_settings
    except ImportError:  # a version without them
        return
    env_cfg = Config.fromfile('configs/_base_/default_runtime.py').env_cfg
    torch.backends.cudnn.benchmark = env_cfg.cudnn_benchmark
    apply_settings(env_cfg)


def wait_for(device: str) -> None:
    """Wait until a GPU has done what it was given."""
    if torch.device(device).type == 'cuda':
        torch.cuda.synchronize()


def seconds(work: Callable[[], object], device: str) -> float:
    """Time of a call; on a GPU the mean of some in a row, by its own clock."""
    if torch.device(device).type != 'cuda':
        start = time.perf_counter()
        work()
        return time.perf_counter() - start
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    first.record()
    for _ in range(IN_A_ROW):
        work()
    last.record()
    last.synchronize()
    return first.elapsed_time(last) / 1000 / IN_A_ROW


def interleaved(
    works: Mapping[str, Callable[[], object]], runs: int, device: str, warm_up: int = 2
) -> dict[str, list[float]]:
    """Times of several things, each timed once in every round."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for run in range(runs + warm_up):
        for name, work in works.items():
            taken = seconds(work, device)
            if run >= warm_up:
                times[name].append(taken)
    return times


def giga_flops(work: Callable[[], object]) -> float:
    """Floating-point operations of one call, in thousands of millions."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() / 1e9
