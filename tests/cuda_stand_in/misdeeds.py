"""What a step on a GPU must not do, a function each, and what it may do.

A child on the stand-in: prints what was seen of each function that is named, as a line of JSON.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict

import torch
from counters import Watch, counts
from torch import Tensor

X = torch.ones(4, 4, device='cuda')
PINNED = torch.ones(3).pin_memory()


def python_number() -> None:
    X.sum().item()


def copy_to_the_host() -> None:
    X.cpu()


def new_number() -> None:
    torch.tensor(1.0, device='cuda')


def indices() -> None:
    X.nonzero()


def boolean_mask() -> None:
    X[X > 0]


def branch() -> None:
    if X.any():
        pass


def wait_for_the_device() -> None:
    torch.cuda.synchronize()


def wait_for_an_event() -> None:
    event = torch.cuda.Event()
    event.record()
    event.synchronize()


class _Waits(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        return grad * grad.sum().item()


def wait_in_a_backward_pass() -> None:
    x = X.clone().requires_grad_()
    _Waits.apply(x).sum().backward()


def devices_that_differ() -> None:
    X + torch.ones(4)


def two_dtypes() -> None:
    X @ X.bfloat16()


def not_deterministic() -> None:
    torch.use_deterministic_algorithms(True)
    try:
        torch.bincount(torch.zeros(4, dtype=torch.long, device='cuda'), weights=X[0])
    finally:
        torch.use_deterministic_algorithms(False)


def pageable() -> None:
    torch.ones(3).to('cuda', non_blocking=True)


def pinned() -> None:
    PINNED.to('cuda', non_blocking=True)


def sum_of_two() -> None:
    X + X


def clean() -> None:
    x = X.clone().requires_grad_()
    (torch.nn.functional.gelu(x) @ x).mean().backward()
    torch.rand(4, device='cuda').fill_(2)


def _record(function: Callable[[], object]) -> torch.cuda.CUDAGraph:
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        function()
    return graph


def clean_graph() -> None:
    graph = _record(clean)
    graph.replay()


def wait_in_a_graph() -> None:
    _record(python_number)


def pageable_in_a_graph() -> None:
    _record(pageable)


def pinned_in_a_graph() -> None:
    _record(pinned)


def another_stream_in_a_graph() -> None:
    stream = torch.cuda.Stream()

    def beside() -> None:
        with torch.cuda.stream(stream):
            X + X

    beside()  # there is memory for it now
    _record(beside)


def main() -> None:
    for name in sys.argv[1:]:
        error, watch, before = None, Watch(), counts()
        try:
            with watch:
                globals()[name]()
        except RuntimeError as raised:
            error = str(raised)
        result = dict(
            name=name,
            error=error,
            events=[asdict(event) for event in watch.events],
            launches={str(op): num for op, num in watch.launches.items()},
            counts={key: count - before[key] for key, count in counts().items()},
        )
        print(json.dumps(result), flush=True)


if __name__ == '__main__':
    main()
