"""Raup's geometry of the coiled shell.

Raup, D. M. (1966), "Geometric analysis of shell coiling: general problems", Journal of Paleontology
40:1178-1190, describes a shell by a closed generating curve that turns about an axis while it grows
and slides along the axis. Four numbers fix the form:

* ``W``, whorl expansion: the growth of the distance from the axis in one turn;
* ``D``, distance of the generating curve from the axis: inner over outer margin;
* ``T``, translation: the distance slid along the axis per unit gained away from it, dy/dr;
* ``S``, shape of the generating curve: here its height over its width.

A point of the generating curve at ``(r_0, y_0)`` comes, after an angle ``θ``, to

    r_θ = r_0 W^(θ/2π)
    y_θ = y_0 W^(θ/2π) + r_c T (W^(θ/2π) − 1)

where ``r_c`` is the initial distance of the curve's centre from the axis, 1 below. ``y`` runs from
the apex towards the aperture; ``θ = 0`` is the aperture, and the coil reaches back from there.
"""

from dataclasses import dataclass

import numpy as np

from mmfncontra.utils.checks import check_interval, check_positive

TURN = 2 * np.pi


def coil(
    radius: np.ndarray,
    height: np.ndarray,
    theta: np.ndarray,
    expansion: float,
    translation: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Carry points of the generating curve through an angle (Raup 1966, equations above, r_c = 1).

    Args:
        radius: Distances ``r_0`` from the axis, any shape.
        height: Positions ``y_0`` along the axis, broadcast with ``radius``.
        theta: Angles in radians, broadcast with ``radius``.
        expansion: ``W`` > 1.
        translation: ``T``.

    Returns:
        ``r_θ`` and ``y_θ``.
    """
    growth = expansion ** (theta / TURN)
    return radius * growth, height * growth + translation * (growth - 1)


@dataclass(frozen=True)
class Shell:
    """Form of one shell. Lengths are in units of ``r_c``.

    Args:
        expansion: Raup's ``W``.
        distance: Raup's ``D``, in (−1, 1). Below 0 the curve reaches across the axis and closes the
            umbilicus, the hollow that a coil leaves about its axis.
        translation: Raup's ``T``.
        shape: Raup's ``S``.
        turns: Turns drawn, back from the aperture.
        squareness: Exponent of the superellipse that the curve is; 2 is an ellipse.
        lean: Outward shift of the curve's top, and inward of its foot, in r_c.
        canal: Lengthening of the foot into a siphonal canal, as a fraction of the half-height.
        fan: Whether the curve is the fan of a scallop, hinged on the axis, not a superellipse.
        ribs: Axial ribs a turn, and ``rib_relief`` their height as a fraction of the curve.
        cords: Ridges along the spiral counted round the curve, and ``cord_relief`` their height.
        shoulder: Relief of a keel on the shoulder of the whorl.
        flare: Widening of the last eighth of a turn into a lip.

    Raises:
        ValueError: If ``expansion``, ``distance``, ``shape`` or ``turns`` is out of its range.
    """

    expansion: float
    distance: float = 0.0
    translation: float = 0.0
    shape: float = 1.0
    turns: float = 6.0
    squareness: float = 2.0
    lean: float = 0.0
    canal: float = 0.0
    fan: bool = False
    ribs: int = 0
    rib_relief: float = 0.0
    cords: int = 0
    cord_relief: float = 0.0
    shoulder: float = 0.0
    flare: float = 0.0

    def __post_init__(self) -> None:
        check_interval('(1, inf)', expansion=self.expansion)
        check_interval('(-1, 1)', distance=self.distance)
        check_positive(shape=self.shape, turns=self.turns)

    @property
    def half_width(self) -> float:
        """Half the width of the generating curve: D = (1 − half_width) / (1 + half_width)."""
        return (1 - self.distance) / (1 + self.distance)

    def curve(self, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Generating curve at the parameter ``s`` in [0, 2π): its offsets from the centre.

        The first are outward, the second towards the aperture. ``s = 0`` is the outer margin,
        ``s = π/2`` points to the apex and ``3π/2`` to the foot.
        """
        half_width = self.half_width
        if self.fan:
            # Polar about the hinge, at the offset −half_width: a round fan between two ears.
            phi = np.where(s > np.pi, s / 2 - np.pi, s / 2)
            turned = np.abs(phi) / (np.pi / 2)
            reach = 2 * half_width / (1 + (turned / 0.60) ** 4)
            reach = reach + 0.40 * half_width * np.exp(-(((turned - 0.84) / 0.12) ** 4))
            return reach * np.cos(phi) - half_width, -self.shape * reach * np.sin(phi)
        cos, sin = np.cos(s), np.sin(s)
        p = self.squareness
        radius = (np.abs(cos) ** p + np.abs(sin) ** p) ** (-1 / p)
        foot = np.clip(-sin, 0, 1) ** 4
        outward = half_width * radius * cos * (1 - 0.6 * self.canal * foot)
        towards_apex = half_width * self.shape * radius * sin * (1 + self.canal * foot)
        return outward + self.lean * radius * sin, -towards_apex

    def relief(self, theta: np.ndarray, s: np.ndarray) -> np.ndarray:
        """Factor by which ornament moves the surface away from the centre of the curve."""
        if self.fan:
            return 1 + self.cord_relief * np.cos(self.cords * s)
        relief = 1 + self.cord_relief * np.cos(self.cords * s)
        rib = np.abs(np.cos(self.ribs * theta / 2)) ** 3
        relief = relief + self.rib_relief * rib * np.clip(0.6 + np.sin(s), 0, 1)
        at_shoulder = np.exp(-(((s - 0.22 * np.pi) / 0.25) ** 2))
        relief = relief + self.shoulder * at_shoulder * (0.6 + 0.4 * np.cos(self.ribs * theta))
        relief = relief + self.flare * np.clip(1 + theta / (TURN / 8), 0, 1) ** 2
        # The embryonic shell closes the coil with a round tip.
        start = np.clip((theta + TURN * self.turns) / (TURN / 2), 0, 1)
        return relief * np.sqrt(start * (2 - start))

    def surface(self, theta: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distance from the axis and position along it of the surface at ``theta`` and ``s``."""
        outward, apertural = self.curve(s)
        relief = self.relief(theta, s)
        # Ribs of a fan spread from its hinge, those of a tube from its centre.
        centre = 1 - self.half_width if self.fan else 1.0
        radius = centre + (1 + outward - centre) * relief
        return coil(radius, apertural * relief, theta, self.expansion, self.translation)
