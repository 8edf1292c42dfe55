"""Unwrapping: a module out of its data-parallel wrapper, images out of the dict that names them."""

from typing import Any

from mmengine.model import is_model_wrapper
from torch import nn


def unwrap(module: nn.Module) -> nn.Module:
    """The module inside a data-parallel wrapper, or the module itself."""
    return module.module if is_model_wrapper(module) else module


def unwrap_images(inputs: Any) -> Any:
    """The images of a batch: mmagic's preprocessors name them, in a dict with ``img``."""
    return inputs['img'] if isinstance(inputs, dict) else inputs
