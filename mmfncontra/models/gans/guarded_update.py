"""A step of an optimiser that is left out where the loss or a gradient is not finite."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from mmengine.dist import all_reduce
from mmengine.optim import OptimWrapper
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer


def guarded_update(optim_wrapper: OptimWrapper, loss: Tensor, skip: Tensor | None = None) -> Tensor:
    """``OptimWrapper.update_params`` that touches nothing where loss or gradient is not finite.

    Weights, moments and counts of steps are then as they were, to the bit, and the gradients are
    dropped; under gradient accumulation all those of the update. What is decided is the same on
    every rank and stays on the device, so that the host waits for nothing and a CUDA graph can
    hold it. A gradient whose norm overflows is not finite: its square would stay in Adam's moments.

    Fused Adam and AdamW leave their step out by themselves. Around the step of another optimiser
    its weights and state are copied (of an unfused Adam on a GPU, which counts on the host, that
    waits for the device); state that it makes in its very first step starts at 0 if that is left
    out.

    Args:
        optim_wrapper: The optimiser.
        loss: What to minimise, ().
        skip: 1.0 where the step is to be left out anyway, ().

    Returns:
        1.0 where it was left out, else 0.0; float32, ().
    """
    optim_wrapper.backward(optim_wrapper.scale_loss(loss))
    parameters = _with_gradient(optim_wrapper.optimizer)
    bad = _is_bad(loss, [parameter.grad for parameter in parameters])
    if skip is not None:
        bad = bad.maximum(skip)
    all_reduce(bad, op='max')
    updates, scales = optim_wrapper.should_update(), hasattr(optim_wrapper, 'loss_scaler')
    if parameters and (scales or not updates):
        # For who looks at the gradients later: the step that ends the accumulation, the scaler.
        mark = parameters[0].grad
        mark[(0,) * mark.ndim].masked_fill_(bad > 0, torch.nan)
    if updates:
        if scales:
            optim_wrapper.step()
        else:
            with _left_out_where(bad, optim_wrapper, parameters):
                optim_wrapper.step()
        optim_wrapper.zero_grad()
    return bad


def _with_gradient(optimizer: Optimizer) -> list[nn.Parameter]:
    groups = optimizer.param_groups
    return [p for group in groups for p in group['params'] if p.grad is not None]


@torch.no_grad()
def _is_bad(loss: Tensor, gradients: Sequence[Tensor]) -> Tensor:
    norms = torch._foreach_norm(gradients) if gradients else ()
    return (~torch.stack([loss.detach(), *norms]).isfinite().all()).float()


@contextmanager
def _left_out_where(
    bad: Tensor, optim_wrapper: OptimWrapper, parameters: Sequence[nn.Parameter]
) -> Iterator[None]:
    optimizer = optim_wrapper.optimizer
    fused = isinstance(optimizer, Adam | AdamW) and all(g['fused'] for g in optimizer.param_groups)
    if optim_wrapper.clip_grad_kwargs or not fused:
        for parameter in parameters:
            parameter.grad.masked_fill_(bad > 0, 0)
    if fused:
        optimizer.found_inf = bad  # as torch's GradScaler tells it
        try:
            yield
        finally:
            del optimizer.found_inf
        return
    if bad.is_meta:  # nothing there has a value
        yield
        return
    before = {place: value.clone() for place, value in _state(optimizer, parameters)}
    yield
    good = {bad.device: bad == 0}
    for place, value in _state(optimizer, parameters):
        if value.device not in good:  # an unfused Adam counts on the host
            good[value.device] = good[bad.device].to(value.device)
        value.copy_(value.where(good[value.device], before.get(place, 0)))


def _state(
    optimizer: Optimizer, parameters: Sequence[nn.Parameter]
) -> Iterator[tuple[tuple[nn.Parameter, str], Tensor]]:
    """Weights, and what the optimiser knows of them, by weight and name."""
    for parameter in parameters:
        yield (parameter, ''), parameter.detach()
        for name, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                yield (parameter, name), value
