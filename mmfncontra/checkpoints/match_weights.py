"""Checkpoint compatibility: which weights a model can take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Size, Tensor

from .published_weights import adapt_published_weights, has_prefix

_PLAIN, _WRAPPED, _HEAD = 'discriminator.', 'discriminator.backbone.', 'discriminator.head.'
# States that a training starts by itself where a checkpoint has none.
_STARTED_ANEW = (
    'augment.',
    'contrast.',
    'disc_auxiliary_losses.',
    'gen_auxiliary_losses.',
    'generator.w_avg',
    'generator_ema.module.w_avg',
    'generator_ema.steps',
    'pseudo_real.',
    'regularisers.',
)


@dataclass(frozen=True)
class WeightMatch:
    """Weights of a checkpoint compared with a model's.

    Attributes:
        weights: What fits, by the model's names.
        missing: Names of the model that the checkpoint lacks.
        unexpected: Names of the checkpoint that the model lacks.
        reshaped: Names of both whose shapes differ, with the model's shape and the checkpoint's.
        reason: The likely cause of a difference.
    """

    weights: dict[str, Tensor]
    missing: Sequence[str]
    unexpected: Sequence[str]
    reshaped: Mapping[str, tuple[Size, Size]]
    reason: str

    @property
    def is_exact(self) -> bool:
        """Whether names and shapes are all the same."""
        return not (self.missing or self.unexpected or self.reshaped)

    def describe(self, everything: bool = True, num: int | None = 3) -> str:
        """What does not fit, some names of each kind; empty if all does.

        Args:
            everything: Name also what a training starts by itself.
            num: Names of each kind; ``None`` names all, one a line.
        """
        kept = () if everything else _STARTED_ANEW
        missing = [name for name in self.missing if not name.startswith(kept)]
        parts = {
            'of another shape': [
                f'{name} ({_shape(here)} here, {_shape(there)} in the file)'
                for name, (here, there) in self.reshaped.items()
            ],
            'not in the checkpoint': missing,
            'not in this model': self.unexpected,
        }
        parts = {what: names for what, names in parts.items() if names}
        if num is None:
            return '\n'.join('\n  '.join([f'{what}:', *names]) for what, names in parts.items())
        return '; '.join(f'{what}: {_some(names, num)}' for what, names in parts.items())


def match_weights(
    state: Mapping[str, Tensor], expected: Mapping[str, Tensor], rename: bool
) -> WeightMatch:
    """Compare names and shapes.

    Args:
        state: Weights of a checkpoint.
        expected: Weights of the model, by the names they have on one device.
        rename: Take also weights that have other names: those of mmagic and MMGeneration
            (:func:`adapt_published_weights`), and those of a plain discriminator for one with
            contrastive head, or the other way round: ``discriminator.x`` is
            ``discriminator.backbone.x`` there.

    Returns:
        The comparison.
    """
    reason = _reason(state, expected)
    if rename:
        state = _renamed(adapt_published_weights(state, expected), expected)
    common = [name for name in expected if name in state]
    weights = {name: state[name] for name in common if state[name].shape == expected[name].shape}
    return WeightMatch(
        weights=weights,
        missing=[name for name in expected if name not in state],
        unexpected=[name for name in state if name not in expected],
        reshaped={
            name: (expected[name].shape, state[name].shape)
            for name in common
            if name not in weights
        },
        reason=reason,
    )


def _renamed(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    has, wants = _is_wrapped(state), _is_wrapped(expected)
    if has == wants:
        return dict(state)
    old, new = (_WRAPPED, _PLAIN) if has else (_PLAIN, _WRAPPED)
    return {
        new + name.removeprefix(old) if name.startswith(old) else name: value
        for name, value in state.items()
    }


def _is_wrapped(state: Mapping[str, Tensor]) -> bool:
    # A discriminator on a frozen network has a backbone too, and other parts beside it.
    names = [name for name in state if name.startswith(_PLAIN)]
    return bool(names) and all(name.startswith((_WRAPPED, _HEAD)) for name in names)


def _contrasts(state: Mapping[str, Tensor]) -> bool:
    return has_prefix(state, 'contrast.') or _is_wrapped(state)


def _averages(state: Mapping[str, Tensor]) -> bool:
    return has_prefix(state, 'generator_ema.')


def _reason(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    for part, holds in {'contrast': _contrasts, 'a moving average': _averages}.items():
        has, wants = holds(state), holds(expected)
        if has != wants:
            made, this = ('with', 'has none') if has else ('without', 'has it')
            return f'it was made {made} {part}, this config {this}'
    return 'it was made with networks of another kind or size'


def _shape(shape: Size) -> str:
    return '×'.join(map(str, shape)) or 'a number'


def _some(names: Sequence[str], num: int) -> str:
    more = f' and {len(names) - num} more' if len(names) > num else ''
    return ', '.join(names[:num]) + more
