import pytest
import torch

from mmfncontra.checkpoints.match_weights import match_weights

X, Y = torch.zeros(2), torch.ones(3)
BASELINE = {'generator.a': X, 'discriminator.b': Y, 'discriminator.c': Y}
CONTRAST = {
    'generator.a': X,
    'discriminator.backbone.b': Y,
    'discriminator.backbone.c': Y,
    'discriminator.head.d': X,
    'contrast.weights.weight': Y,
}


def test_the_same():
    match = match_weights(CONTRAST, CONTRAST, rename=True)
    assert match.is_exact and match.describe() == '' and set(match.weights) == set(CONTRAST)


def test_a_baseline_starts_a_contrast():
    match = match_weights(BASELINE, CONTRAST, rename=True)
    assert set(match.weights) == {*CONTRAST} - {'discriminator.head.d', 'contrast.weights.weight'}
    assert match.weights['discriminator.backbone.b'] is Y
    assert match.describe(everything=False) == 'not in the checkpoint: discriminator.head.d'
    assert not match.is_exact


def test_and_the_other_way_round():
    match = match_weights(CONTRAST, BASELINE, rename=True)
    assert set(match.weights) == set(BASELINE)
    assert match.describe() == ('not in this model: discriminator.head.d, contrast.weights.weight')


def test_a_backbone_of_its_own_is_no_contrast():
    plain = BASELINE | {'discriminator.backbone.weights_sha256': X}
    contrast = {name.replace('discriminator.', 'discriminator.backbone.'): plain[name]
                for name in plain} | {'discriminator.head.d': X}  # fmt: skip
    there = match_weights(plain, contrast, rename=True)
    assert set(there.weights) == {*contrast} - {'discriminator.head.d'}
    assert there.reason == 'it was made without contrast, this config has it'
    back = match_weights(contrast, plain, rename=True)
    assert set(back.weights) == set(plain) and back.unexpected == ['discriminator.head.d']
    assert match_weights(plain, plain, rename=True).is_exact


@pytest.mark.parametrize(
    ('state', 'expected', 'said'),
    [
        (BASELINE, CONTRAST, 'it was made without contrast, this config has it'),
        (CONTRAST, BASELINE, 'it was made with contrast, this config has none'),
        (BASELINE, {**BASELINE, 'generator_ema.steps': X}, 'made without a moving average'),
        (BASELINE, {**BASELINE, 'generator.a': Y}, 'networks of another kind or size'),
    ],
)
def test_the_likely_cause(state, expected, said):
    match = match_weights(state, expected, rename=False)
    assert said in match.reason and not match.is_exact


def test_shapes_and_long_lists():
    expected = {**{f'generator.{i}': X for i in range(5)}, 'generator.a': Y}
    match = match_weights(BASELINE, expected, rename=True)
    assert match.describe() == (
        'of another shape: generator.a (3 here, 2 in the file); '
        'not in the checkpoint: generator.0, generator.1, '
        'generator.2 and 2 more; not in this model: discriminator.b, discriminator.c'
    )
    assert not match.weights


def test_states_that_start_anew_are_no_concern():
    expected = {**CONTRAST, 'generator_ema.steps': X}
    state = {name: value for name, value in CONTRAST.items() if not name.startswith('contrast.')}
    match = match_weights(state, expected, rename=True)
    assert not match.is_exact
    assert match.describe(everything=False) == ''
    assert 'generator_ema.steps' in match.describe()
