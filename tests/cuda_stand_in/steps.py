"""Makes training steps of GANs on the stand-in; prints a line of JSON for each case.

A child: reads a JSON list of cases, each a dict with the arguments of ``make_steps`` and a
``name``. Imports take seconds, so many cases share a process.
"""

import faulthandler
import gc
import json
import re
import sys
import traceback
import warnings
from contextlib import nullcontext
from importlib import import_module
from itertools import count

import torch
from counters import ROOT, Event, Watch, counts, innermost_first, place
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapperDict
from mmengine.registry import init_default_scope

from mmfncontra.compat.prepare_mmagic import prepare_mmagic
from mmfncontra.config.components import import_custom_modules
from mmfncontra.config.options import use_autocast
from mmfncontra.engine import MultiOptimWrapperConstructor
from mmfncontra.registry import MODELS

BATCH = 4
PATIENCE = 120  # seconds for a case
_numbers = count()  # a hub's name that was there before would make another one the current hub


def make_steps(
    watch: Watch,
    config: str,
    options: dict,
    iterations: list[int],
    amp: bool = False,
    deterministic: bool = False,
    vgg: str | None = None,
) -> dict:
    """Train for some iterations; what the first of them does on the way is not looked at.

    Args:
        watch: Watches the other ones, each anew.
        config: Path below ``configs``, without ``.py``.
        options: Changes to it by dotted key.
        iterations: What each step takes for the number of its iteration.
        amp: Train in bfloat16.
        deterministic: Allow deterministic kernels only.
        vgg: File with weights of VGG16 for the config's LPIPS.

    Returns:
        ``faults``, texts; ``graph_launches``; ``launches`` of the last step.
    """
    model, optim_wrapper = _build(config, options, amp, vgg)
    batch = _pinned_batch(model)
    hub = MessageHub.get_instance(f'steps {next(_numbers)}')
    torch.use_deterministic_algorithms(deterministic)
    faults, start = [], counts()
    for step, iteration in enumerate(iterations):
        hub.update_info('iter', iteration)
        before = counts()
        watch.events.clear()
        with watch if step else nullcontext():
            model.train_step(batch, optim_wrapper)
        faults += [
            f'step {step} (iteration {iteration}): {event}'
            for event in watch.events
            if not _may_be(event, batch)
        ]
    after = counts()
    return dict(
        faults=faults,
        graph_launches=after['graph_launches'] - start['graph_launches'],
        launches=after['launches'] - before['launches'],
    )


def _build(
    config: str, options: dict, amp: bool, vgg: str | None
) -> tuple[torch.nn.Module, OptimWrapperDict]:
    cfg = Config.fromfile(ROOT / 'configs' / f'{config}.py', import_custom_modules=False)
    cfg.merge_from_dict(options)
    import_custom_modules(cfg)
    init_default_scope(cfg.default_scope)
    if amp:
        use_autocast(cfg)
    if vgg is not None:
        cfg.model.disc_auxiliary_losses.rec.backbone_weights = vgg
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).to('cuda').train()
    wrappers = {key: value for key, value in cfg.optim_wrapper.items() if key != 'constructor'}
    return model, MultiOptimWrapperConstructor(wrappers)(model)


def _pinned_batch(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    network = model.generator
    size = getattr(network, 'out_size', None) or network.output_scale
    # No byte above 127: where its memory is used again, no float is made of it that is not finite.
    batch = dict(inputs=torch.randint(128, (BATCH, 3, size, size), dtype=torch.uint8).pin_memory())
    if model.num_classes:
        batch['labels'] = torch.randint(model.num_classes, (BATCH,)).pin_memory()
    return batch


def _may_be(event: Event, batch: dict[str, torch.Tensor]) -> bool:
    if event.what == 'h2d_pinned':
        return event.address in [tensor.data_ptr() for tensor in batch.values()]
    return event.begins_recording


def _fault(case: dict, error: Exception, watch: Watch) -> str:
    """The error with its op and its line; in a backward pass, the line of the forward one."""
    first = error
    while first.__cause__ or first.__context__:
        first = first.__cause__ or first.__context__
    op, callers = watch.failed, innermost_first(traceback.extract_tb(first.__traceback__))
    if not _records(case):
        op, forward = _repeat(case)
        callers = forward or callers
    return f'{type(error).__name__} {place(op, callers)}: {" ".join(str(error).split())[:500]}'


def _repeat(case: dict) -> tuple[object, list[str]]:
    """Fail again in a mode that is too slow for all: which op it is, and who called the forward."""
    watch = Watch()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        try:
            with watch, torch.autograd.set_detect_anomaly(True, check_nan=False):
                make_steps(Watch(), **case)
        except Exception:
            told = [str(warning.message) for warning in caught]
            traces = ''.join(text for text in told if 'Traceback of forward call' in text)
            lines = re.findall(rf'"{ROOT}/(mmfncontra/.*)", line (\d+)', traces)
            return watch.failed, [':'.join(line) for line in reversed(lines)]
    return None, []


def _records(case: dict) -> bool:
    return case['options']['model.accelerate'] is not None


def main() -> None:
    for case in json.load(sys.stdin):
        name, watch, error = case.pop('name'), Watch(), None
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        print(json.dumps(dict(begins=name)), flush=True)
        try:
            result = make_steps(watch, **case)
        except Exception as raised:
            error = raised
        if error is not None:
            result = dict(faults=[_fault(case, error, watch)])
        print(json.dumps(dict(name=name, **result)), flush=True)
        if error is not None and _records(case):
            break  # torch draws no more random numbers after a recording that broke
        gc.collect()  # the next model takes the memory of this one


if __name__ == '__main__':
    faulthandler.enable()
    prepare_mmagic()
    import_module('mmfncontra.models.gans')
    gc.freeze()  # what is imported stays; to look at it again takes as long as a step
    torch.backends.cudnn.enabled = False  # it would look for a GPU
    main()
