import numpy as np
import pytest

from mmfncontra.evaluation.doctor import (
    diagnose,
    find_collapse,
    find_explosion,
    find_leaking,
    find_overfitting,
    find_starvation,
    find_weakness,
)

WINDOW = 100


def noisy(level: float, num: int = 3 * WINDOW, spread: float = 0.02) -> np.ndarray:
    rng = np.random.default_rng(round(1000 * abs(level)) + num)
    return level + spread * rng.standard_normal(num)


def calm() -> dict[str, np.ndarray]:
    return dict(
        loss_disc=noisy(1.2),
        loss_gen=noisy(0.4, spread=0.5),
        loss_real=noisy(0.6),
        loss_fake=noisy(0.6),
        r_t=noisy(0.5, spread=0.2),
        p_ada=noisy(0.3),
        grad_norm_generator=noisy(2, 30),
        grad_norm_discriminator=noisy(5, 30),
        diversity_ratio=noisy(0.9, 6),
    )


def keys(**changes: np.ndarray) -> list[str]:
    return [verdict.verdict for verdict in diagnose({**calm(), **changes}, WINDOW)]


def joined(before: float, after: float, num_after: int = WINDOW) -> np.ndarray:
    return np.concatenate([noisy(before, 3 * WINDOW - num_after), noisy(after, num_after)])


def test_calm_is_healthy() -> None:
    assert keys() == ['healthy']
    (verdict,) = diagnose(calm(), WINDOW)
    assert 'r_t 0.' in verdict.message and 'diversity_ratio 0.' in verdict.message
    assert verdict.advice == ''


@pytest.mark.parametrize(
    ('found', 'changes'),
    [
        ('overfitting', dict(r_t=joined(0.5, 0.99), loss_real=noisy(0.02), loss_fake=noisy(0.01))),
        ('collapse', dict(diversity_ratio=np.array([0.8, 0.9, 0.2, 0.05, 0.04]))),
        ('leaking', dict(p_ada=np.full(3 * WINDOW, np.float32(0.8)))),
        ('exploding', dict(loss_disc=joined(1.2, 1e5, 30))),
        ('exploding', dict(loss_gen=joined(0.4, -1e5, 30))),
        ('exploding', dict(grad_norm_discriminator=np.geomspace(1, 1e9, 30))),
        ('exploding', dict(loss_gen=np.append(noisy(0.4), np.nan))),
        ('exploding', dict(grad_norm_generator=np.append(noisy(2, 30), np.inf))),
        (
            'starved',
            dict(
                loss_real=noisy(0.0, spread=0.001),
                loss_fake=noisy(0.0, spread=0.001),
                grad_norm_generator=np.geomspace(1, 1e-6, 30),
            ),
        ),
        ('weak', dict(r_t=noisy(-0.1), loss_real=noisy(0.7), loss_fake=noisy(0.7))),
    ],
)
def test_each_trouble_alone(found: str, changes: dict[str, np.ndarray]) -> None:
    assert keys(**changes) == [found]
    (verdict,) = diagnose({**calm(), **changes}, WINDOW)
    assert any(character.isdigit() for character in verdict.message)
    assert any(key in verdict.advice for key in ('model.augment', 'optim_wrapper.'))


def test_several_at_once_the_most_urgent_first() -> None:
    overfits = dict(r_t=noisy(0.99), loss_real=noisy(0.02), loss_fake=noisy(0.01))
    assert keys(
        **overfits, p_ada=noisy(0.85), diversity_ratio=np.full(3, 0.01)
    ) == ['collapse', 'overfitting', 'leaking']  # fmt: skip
    # What follows from an explosion is not said.
    assert keys(**overfits, loss_disc=np.full(300, np.nan)) == ['exploding']


@pytest.mark.parametrize(
    'changes',
    [
        dict(loss_disc=np.where(np.arange(300) % 16 == 0, 1e5, 1.2)),  # spikes of a lazy penalty
        dict(loss_gen=joined(0.001, 9.0)),  # a hinge loss that starts at 0
        dict(grad_norm_generator=joined(1e-6, 0.5)[::10]),
        dict(r_t=joined(0.5, 0.99, 40), loss_real=noisy(0.02), loss_fake=noisy(0.01)),
        dict(r_t=noisy(0.99)),  # sure of the reals, but with losses as usual
        dict(loss_real=noisy(0.02), loss_fake=noisy(0.01)),
        dict(r_t=noisy(-0.1)),
        dict(p_ada=joined(0.5, 0.8, 40)),
        dict(diversity_ratio=np.array([0.02, 0.08, 0.2])),  # an early training
        dict(diversity_ratio=np.array([0.9, 0.9, 0.1])),
        dict(grad_norm_generator=np.geomspace(1, 1e-6, 30)),  # small, but D is no better
    ],
)
def test_no_false_alarm(changes: dict[str, np.ndarray]) -> None:
    assert keys(**changes) == ['healthy']


def test_nothing_before_there_is_enough() -> None:
    short = {name: values[: WINDOW - 1] for name, values in calm().items()}
    assert diagnose(short, WINDOW) == []
    assert diagnose({}, WINDOW) == []
    assert [v.verdict for v in diagnose(dict(loss_disc=[1.0, np.nan]), WINDOW)] == ['exploding']
    few = np.full(WINDOW - 1, 0.0)
    assert find_overfitting(few + 1, few, few, WINDOW) is None
    assert find_weakness(few, few + 1, few + 1, WINDOW) is None
    assert find_starvation(few, few, few[:10], WINDOW, 10) is None
    assert find_leaking(few + 0.9, WINDOW) is None
    assert find_collapse([]) is None and find_collapse([0.0, 0.0]) is None


def test_exploding_from_the_start() -> None:
    assert find_explosion('loss', [3e4] * 20, WINDOW).message == (
        'loss explodes: its size is 3e+04 now'
    )
    assert find_explosion('loss', [99.0] * 20, WINDOW) is None


def test_what_guessing_costs_sets_the_scale() -> None:
    signs, losses = noisy(0.99), noisy(0.15)
    assert find_overfitting(signs, losses, losses, WINDOW) is None
    assert find_overfitting(signs, losses, losses, WINDOW, chance=1.8) is not None


def test_overfitting_says_where_r_t_came_from() -> None:
    verdict = find_overfitting(joined(0.5, 0.99), noisy(0.02), noisy(0.01), WINDOW)
    assert 'r_t 0.99 (0.50 in the window before)' in verdict.message


@pytest.mark.parametrize(
    ('parts', 'first'),
    [
        ([], "model.augment=dict(type='DiffAugment'"),
        (['DiffAugment'], "model.augment.policy='color,translation,cutout'"),
        (['ADA'], 'let ADA act earlier'),
    ],
)
def test_overfitting_advises_the_next_knob(parts: list[str], first: str) -> None:
    signs, losses = noisy(0.99), noisy(0.01)
    advice = find_overfitting(signs, losses, losses, WINDOW, parts=parts).advice
    assert advice.startswith(first) and 'fncontra' in advice and 'LeCam' in advice
    parts = [*parts, 'FNContra', 'LeCamLoss']
    advice = find_overfitting(signs, losses, losses, WINDOW, parts=parts).advice
    assert 'fncontra' not in advice and 'LeCam' not in advice and 'max_iters' in advice


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(window=0), 'window must be a positive integer, got 0'),
        (dict(gradient_every=0), 'gradient_every must be a positive integer, got 0'),
        (dict(chance=0.0), r'chance must be positive, got 0\.0'),
        (dict(chance='half'), "chance must be a number, got 'half'"),
    ],
)
def test_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        diagnose(calm(), **arguments)
