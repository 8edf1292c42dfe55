from collections.abc import Callable, Sequence

import numpy as np
from mmengine.dataset import BaseDataset

from mmfncontra.datasets.raup import Coat, Shell, View, draw_shell
from mmfncontra.registry import DATASETS

_CREAM, _PINK, _BROWN = (0.94, 0.88, 0.76), (0.93, 0.72, 0.66), (0.55, 0.33, 0.18)
_ORANGE, _GREY_BLUE, _WHITE = (0.90, 0.60, 0.33), (0.62, 0.66, 0.72), (0.96, 0.94, 0.90)
_CHESTNUT, _TAN, _ROSE = (0.42, 0.22, 0.12), (0.80, 0.64, 0.45), (0.80, 0.45, 0.42)
_SLATE, _NACRE, _PEACH = (0.36, 0.40, 0.48), (0.96, 0.88, 0.82), (0.97, 0.82, 0.70)
# Ground, marking, inside.
_PALETTES = (
    (_CREAM, _BROWN, _PEACH),
    (_CREAM, _ORANGE, _NACRE),
    (_WHITE, _CHESTNUT, _NACRE),
    (_PINK, _WHITE, _PEACH),
    (_PINK, _ROSE, _NACRE),
    (_TAN, _CHESTNUT, _PEACH),
    (_ORANGE, _CREAM, _NACRE),
    (_BROWN, _CREAM, _PEACH),
    (_GREY_BLUE, _SLATE, _NACRE),
    (_GREY_BLUE, _CREAM, _PEACH),
)


def _turret(u) -> tuple[Shell, View]:
    W = u(1.16, 1.26)
    shell = Shell(
        expansion=W, translation=1.35 / (1 - 1 / W), turns=9, shape=u(0.95, 1.1),
        ribs=int(u(8, 18)), rib_relief=u(-0.02, 0.08), cords=int(u(5, 12)), cord_relief=u(0, 0.025),
        canal=u(0, 0.15), flare=0.06, distance=-0.06
    )  # fmt: skip
    return shell, View(u(-25, 25), u(-8, 8), u(-6, 14), 0.84)


def _whelk(u) -> tuple[Shell, View]:
    W = u(1.5, 1.8)
    shell = Shell(
        expansion=W, translation=u(1.1, 1.3) / (1 - 1 / W), turns=7, shape=u(1.3, 1.5),
        ribs=int(u(7, 14)), rib_relief=u(-0.03, 0.12), cords=int(u(8, 16)), cord_relief=u(0, 0.02),
        canal=u(0.3, 0.9), shoulder=u(-0.03, 0.2), flare=0.1, distance=-0.12
    )  # fmt: skip
    return shell, View(u(-25, 15), u(-10, 12), u(0, 20), 0.82)


def _snail(u) -> tuple[Shell, View]:
    shell = Shell(
        expansion=u(1.5, 1.75), translation=u(1.5, 2.1), distance=-0.15, turns=6, shape=u(0.95, 1.15),
        cords=int(u(8, 16)), cord_relief=u(-0.01, 0.015), flare=u(0, 0.1),
    )  # fmt: skip
    return shell, View(u(-25, 5), u(-5, 20), u(10, 30), 0.76)


def _cone(u) -> tuple[Shell, View]:
    shell = Shell(
        expansion=u(1.17, 1.28), distance=u(0.3, 0.4), translation=u(2.8, 3.4), turns=10,
        shape=u(4, 5), lean=0.85, squareness=2.4,
    )  # fmt: skip
    return shell, View(u(-25, 25), u(-4, 14), u(-16, 16), 0.84)


def _ammonite(u) -> tuple[Shell, View]:
    shell = Shell(
        expansion=u(1.7, 2.3), distance=u(0.32, 0.46), translation=0, turns=7, shape=u(0.8, 1.1),
        ribs=int(u(18, 34)), rib_relief=u(0.03, 0.14),
    )  # fmt: skip
    return shell, View(u(-35, 25), u(70, 92), 0, 0.78)


def _nautilus(u) -> tuple[Shell, View]:
    shell = Shell(
        expansion=u(2.8, 3.5), distance=u(0.02, 0.1), translation=0, turns=5, shape=u(0.75, 0.95)
    )
    return shell, View(u(-35, 25), u(72, 90), 0, 0.78)


def _scallop(u) -> tuple[Shell, View]:
    shell = Shell(
        expansion=10 ** u(4.5, 6), turns=0.45, shape=u(0.95, 1.1), fan=True, cords=int(u(18, 30)), cord_relief=u(0.03, 0.07)
    )
    return shell, View(180, 0, 90, 0.8)


_FAMILIES = (_turret, _whelk, _snail, _cone, _ammonite, _nautilus, _scallop)


def draw(seed: int, index: int, size: int, family=None) -> np.ndarray:
    rng = np.random.default_rng([seed, index])
    u = rng.uniform
    fam = _FAMILIES[rng.integers(len(_FAMILIES))] if family is None else _FAMILIES[family]
    shell, view = fam(u)
    base, mark, inside = _PALETTES[rng.integers(len(_PALETTES))]
    kind = rng.integers(4)
    coat = Coat(base, mark, inside, tip=base, bands=int(u(2, 5)), band_strength=0.8 * (kind == 1) , 
      flame_strength=0.85*(kind >= 2), flames=int(u(6, 14)), wave=u(0.1, 0.5), spots=float(kind == 3), growth_lines=u(0.03, 0.1), phase=tuple(u(0, 6.28, 4)))
    return draw_shell(shell, coat, view, size)
