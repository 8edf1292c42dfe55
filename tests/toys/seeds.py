"""Whether random draws follow the seed."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def check_draws_follow_the_seed(draw: Callable[..., Tensor], *inputs: Any) -> None:
    """Check that what is drawn is equal for equal seeds alone and that inputs stay as they are."""
    kept, drawn = [torch.as_tensor(value).clone() for value in inputs], []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(draw(*inputs))
    assert torch.equal(drawn[0], drawn[1]) and not torch.allclose(drawn[0], drawn[2])
    assert all(torch.equal(value, before) for value, before in zip(inputs, kept, strict=True))
