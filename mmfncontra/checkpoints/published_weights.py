"""Weights of mmagic's and MMGeneration's GANs, by the names they have here."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

_RAW, _EMA, _STEPS = 'generator.', 'generator_ema.module.', 'generator_ema.steps'
_MANY_STEPS = 10**9
# States of other trainings.
_NOT_WEIGHTS = ('mean_path_length', 'iteration', 'discriminator.ada_aug.')
# A residual block of mmagic's StyleGAN2Discriminator.
_BLOCK = re.compile(r'(discriminator\.(?:backbone\.)?convs\.)(\d{1,3})(\.(?:conv1|conv2|skip)\..+)')


def adapt_published_weights(
    state: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Rename the weights of a checkpoint that mmagic 1.x or MMGeneration wrote.

    * Names lose what a wrapper put before them: ``module.generator.x``, ``generator.module.x``.
    * MMGeneration's ``generator_ema.x`` is ``generator_ema.module.x`` here.
    * Where there is only one of generator and moving average, the other takes the same weights.
    * StyleGAN2's discriminator numbers its blocks from the highest resolution down. For images of
      another size they are numbered anew, so that blocks of the same resolution meet.
    * mmagic's running mean of path lengths, and the state of its augmentation, are left out.

    Weights written by a training of this project keep their names.

    Args:
        state: Weights of a checkpoint.
        expected: Weights of the model.

    Returns:
        The weights by their new names. A block of a resolution that the model has not keeps its own
        name, with a remark.
    """
    state = {_plain_name(name, expected): value for name, value in state.items()}
    state = _with_both_generators(state, expected)
    return {
        name: value
        for name, value in _aligned_blocks(state, expected).items()
        if name in expected or not name.startswith(_NOT_WEIGHTS)
    }


def has_prefix(state: Mapping[str, Tensor], *prefixes: str) -> bool:
    """Whether a name begins with one of some prefixes."""
    return any(name.startswith(prefixes) for name in state)


def _plain_name(name: str, expected: Mapping[str, Tensor]) -> str:
    if name in expected:
        return name
    name = re.sub(r'^(generator|discriminator)\.module\.', r'\1.', name.removeprefix('module.'))
    # `steps` counts the updates and is the average's own.
    if name.startswith('generator_ema.') and not name.startswith((_EMA, _STEPS)):
        return _EMA + name.removeprefix('generator_ema.')
    return name


def _with_both_generators(
    state: dict[str, Tensor], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    if has_prefix(state, _EMA):
        # As long trained: at 0 the first iteration would replace the average by the generator, and
        # in the ramp-up of HalfLifeEMA the first few would.
        state.setdefault(_STEPS, torch.tensor(_MANY_STEPS))
    for part, other in ((_RAW, _EMA), (_EMA, _RAW)):
        if has_prefix(state, part) or not has_prefix(expected, part):
            continue
        state |= {
            part + name.removeprefix(other): value
            for name, value in state.items()
            if name.startswith(other)
        }
    if not has_prefix(expected, _EMA):
        state.pop(_STEPS, None)
    return state


def _aligned_blocks(
    state: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    there, here = _last_block(state), _last_block(expected)
    if not there or not here or there == here:
        return dict(state)
    return {
        _shifted(name, here - there) if _BLOCK.fullmatch(name) else name: value
        for name, value in state.items()
    }


def _last_block(state: Mapping[str, Tensor]) -> int:
    found = map(_BLOCK.fullmatch, state)
    return max((int(block[2]) for block in found if block), default=0)


def _shifted(name: str, shift: int) -> str:
    head, number, tail = _BLOCK.fullmatch(name).groups()
    number = int(number) + shift
    # Block 0 is the layer from RGB.
    return f'{head}{number}{tail}' if number > 0 else f'{name} (as numbered in the file)'
