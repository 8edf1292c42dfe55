"""What a piece of work costs: on the host, on the device, in operations and in bytes."""

import statistics
import time
from collections import Counter
from collections.abc import Callable

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode
from training_step import seconds, wait_for

# What makes another view of a tensor, or room for one, moves nothing.
_FREE = frozenset(
    (
        *('alias', 'as_strided', 'chunk', 'detach', 'diagonal', 'expand', 'permute', 'select'),
        *('slice', 'split', 'split_with_sizes', 'squeeze', 't', 'transpose', 'unbind', 'unfold'),
        *('unsqueeze', 'view', 'view_as_real', '_reshape_alias', '_unsafe_view'),
        *('empty', 'empty_like', 'empty_strided', 'new_empty', 'new_empty_strided'),
    )
)
_LAUNCHES = ('cudaLaunch', 'cuLaunch', 'cudaGraphLaunch', 'cudaMemcpy', 'cudaMemset')


class Traffic(TorchDispatchMode):
    """Sums the bytes of all operands of all operations, as if no cache kept any.

    Attributes:
        bytes: Of what the operations have read and written, by their names.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bytes: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name not in _FREE:
            operands = tree_leaves((args, kwargs, out))
            self.bytes[name] += sum(
                x.numel() * x.element_size() for x in operands if isinstance(x, torch.Tensor)
            )
        return out


def operations(work: Callable[[], object]) -> dict[str, float]:
    """Arithmetic and traffic of one call, in thousands of millions of operations and bytes."""
    with FlopCounterMode(display=False) as flops, Traffic() as traffic:
        work()
    return dict(gflop=flops.get_total_flops() / 1e9, gb=sum(traffic.bytes.values()) / 1e9)


def host_ms(work: Callable[[], object], device: str, count: int = 10) -> float:
    """Milliseconds until a call has been handed to the device, the median of some."""
    wait_for(device)
    times = []
    for _ in range(count):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
        wait_for(device)
    return statistics.median(times)


def profile(work: Callable[[], object], device: str) -> dict[str, object]:
    """What one call has the device do: kernels and copies, launches, time, the costliest."""
    on_gpu = torch.device(device).type == 'cuda'
    kind = DeviceType.CUDA if on_gpu else DeviceType.CPU
    activity = ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU
    with torch.profiler.profile(activities=[activity], acc_events=True) as profiler:
        work()
        wait_for(device)
    events = profiler.events()
    kernels = [e for e in events if e.device_type == kind and not e.is_user_annotation]
    if not kernels:
        raise RuntimeError('the profiler saw nothing on the device')
    busy: Counter[str] = Counter()
    for event in kernels:
        took = event.time_range.elapsed_us()
        busy[event.name] += took if on_gpu else event.self_cpu_time_total
    return dict(
        kernels=len(kernels),
        launches=sum(event.name.startswith(_LAUNCHES) for event in events),
        busy_ms=round(sum(busy.values()) / 1000, 3),
        tiny=sum(event.time_range.elapsed_us() < 5 for event in kernels),
        costliest={name[:70]: round(us / 1000, 3) for name, us in busy.most_common(8)},
    )


def memory(device: str) -> dict[str, int]:
    """Bytes that are allocated, and that were at most, and that torch holds, on a GPU."""
    if torch.device(device).type != 'cuda':
        return dict(now=0, peak=0, held=0)
    return dict(
        now=torch.cuda.memory_allocated(),
        peak=torch.cuda.max_memory_allocated(),
        held=torch.cuda.memory_reserved(),
    )


def _rate(work: Callable[[], object], amount: float, device: str) -> float:
    """Of several goes the median, after one, in units of 1e12 a second."""
    work()
    return amount / statistics.median(seconds(work, device) for _ in range(5)) / 1e12


def copy_rate(device: str, numbers: int) -> float:
    """TB/s of a copy of so many float32 numbers, read and written."""
    source = torch.randn(numbers, device=device)
    target = torch.empty_like(source)
    return _rate(lambda: target.copy_(source), 8 * numbers, device)


def product_rate(device: str, side: int, dtype: torch.dtype, tf32: bool = False) -> float:
    """TFLOP/s of a product of two square matrices; TensorFloat-32 is left as it was."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    try:
        a, b = torch.randn(2, side, side, device=device).to(dtype)
        return _rate(lambda: a @ b, 2 * side**3, device)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def rates(device: str, dry: bool) -> dict[str, float]:
    """What bounds a step: TB/s of a copy, TFLOP/s of a product at either precision of training."""
    numbers, side = (2**16, 64) if dry else (2**28, 8192)
    return dict(
        copy_tb_s=copy_rate(device, numbers),
        float32=product_rate(device, side, torch.float32, tf32=True),
        bfloat16=product_rate(device, side, torch.bfloat16),
    )


def floor_ms(work: dict[str, float], rates: dict[str, float], precision: str) -> float:
    """Least milliseconds: all arithmetic at a product's rate, or all traffic at a copy's.

    Args:
        work: From :func:`operations`.
        rates: From :func:`rates`.
        precision: ``'float32'`` (TensorFloat-32 on a GPU) or ``'bfloat16'``.
    """
    return max(work['gflop'] / rates[precision], work['gb'] / rates['copy_tb_s'])
