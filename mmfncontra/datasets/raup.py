"""Raup's geometry of the coiled shell, and a small renderer for it.

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
the apex towards the aperture; ``θ = 0`` is the aperture and the coil reaches back to negative angles.
"""

from dataclasses import dataclass

import cv2
import numpy as np

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
        distance: Raup's ``D``, in [0, 1); the half-width of the curve is (1 − D) / (1 + D).
        translation: Raup's ``T``.
        shape: Raup's ``S``.
        turns: Turns drawn, back from the aperture.
        squareness: Exponent of the superellipse that the curve is; 2 is an ellipse.
        lean: Outward shift of the curve's top, and inward of its foot, in r_c.
        canal: Lengthening of the foot into a siphonal canal, as a fraction of the half-height.
        fan: Whether the curve is the fan of a scallop, hinged on the axis, instead of a superellipse.
        ribs: Axial ribs a turn, and ``rib_relief`` their height as a fraction of the curve.
        cords: Ridges along the spiral counted round the curve, and ``cord_relief`` their height.
        shoulder: Relief of a keel on the shoulder of the whorl.
        flare: Widening of the last eighth of a turn into a lip.
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

    @property
    def half_width(self) -> float:
        """Half the width of the generating curve: D = (1 − half_width) / (1 + half_width)."""
        return (1 - self.distance) / (1 + self.distance)

    def curve(self, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Generating curve at the parameter ``s`` in [0, 2π): offsets outward and apertural from r_c.

        ``s = 0`` is the outer margin, ``s = π/2`` points to the apex and ``3π/2`` to the foot.
        """
        half_width = self.half_width
        if self.fan:
            # Polar about the hinge, at the offset −half_width: a round fan and, beside it, the ears.
            phi = s / 2 - np.pi * (s > np.pi)
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
            ridge = np.cos(self.cords * s)
            return 1 + self.cord_relief * ridge * np.sin(s / 2) ** 2
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


@dataclass(frozen=True)
class Coat:
    """Colour of one shell; colours are sRGB in [0, 1], strengths in [0, 1].

    Args:
        base: Ground colour.
        mark: Colour of the pattern.
        inside: Colour of the nacre behind the aperture.
        tip: Colour towards which the apex runs.
        bands: Spiral bands round the curve, and ``band_strength`` their opacity.
        flames: Axial flames a turn, and ``flame_strength`` their opacity.
        wave: How far the flames swing along the turn, in flame periods.
        spots: How far the flames break up into spots.
        growth_lines: Contrast of the fine growth lines.
        phase: Offsets in radians that place pattern and growth lines, four of them.
    """

    base: tuple[float, float, float]
    mark: tuple[float, float, float]
    inside: tuple[float, float, float]
    tip: tuple[float, float, float]
    bands: int = 3
    band_strength: float = 0.0
    flames: int = 10
    flame_strength: float = 0.0
    wave: float = 0.3
    spots: float = 0.0
    growth_lines: float = 0.1
    phase: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    def albedo(self, theta: np.ndarray, s: np.ndarray, growth: np.ndarray) -> np.ndarray:
        """Colour of the outside at surface points (N,) whose coil has the size ``growth``; (N, 3)."""
        a, b, c, d = self.phase
        band = _step(np.cos(self.bands * s + a) - 0.35, 0.25)
        swing = self.wave * np.sin(3 * s + b) + 0.15 * np.sin(7 * s + c)
        flame = _step(np.cos(self.flames * theta + TURN * swing + d) - 0.2, 0.3)
        flame = flame * (1 - self.spots * _step(np.cos(9 * s + b), 0.5))
        mark = 1 - (1 - self.band_strength * band) * (1 - self.flame_strength * flame)
        colour = _mix(np.array(self.base), np.array(self.tip), np.clip(1 - 2.2 * growth, 0, 1) ** 2)
        colour = _mix(colour, np.array(self.mark), mark)
        lines = np.sin(23 * theta + a) + np.sin(41 * theta + b) + 0.8 * np.sin(67 * theta + c)
        return colour * (1 + self.growth_lines / 3 * lines)[:, None]


@dataclass(frozen=True)
class View:
    """Where the shell is seen from: degrees about the coiling axis, towards the apex, in the picture.

    ``fill`` is the share of the frame that the longer side of the shell's bounding box takes.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    fill: float = 0.8

    def rotation(self) -> np.ndarray:
        """Matrix (3, 3) from shell to viewer."""
        (cy, sy), (cp, sp), (cr, sr) = (
            (np.cos(a), np.sin(a)) for a in np.deg2rad([self.yaw, self.pitch, self.roll])
        )
        yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        return roll @ pitch @ yaw


def draw_shell(shell: Shell, coat: Coat, view: View, size: int) -> np.ndarray:
    """Draw a shell on a light ground.

    The surface is sampled more densely than the pixels of a supersampled frame and splatted into a
    depth buffer; only what stays visible is shaded. The frame is then averaged down by area.

    Args:
        shell: Form.
        coat: Colour.
        view: Where from.
        size: Side of the picture in pixels.

    Returns:
        uint8 RGB picture (size, size, 3).
    """
    oversampling = 3 if size <= 512 else 2
    side = size * oversampling
    camera = _Camera.framing(shell, view, side)
    theta, s, depth = _splat(shell, camera, side)
    hit = np.isfinite(depth)
    picture = _ground(hit)
    picture[hit] = _shade(shell, coat, camera, theta[hit], s[hit], _open_sky(depth, hit)[hit])
    picture = picture.reshape(size, oversampling, size, oversampling, 3).mean(axis=(1, 3))
    return (255 * picture.clip(0, 1) + 0.5).astype(np.uint8)


@dataclass(frozen=True)
class _Camera:
    """Orthographic view of a shell, in pixels of a frame.

    Args:
        axes: Rows right, down and towards the viewer; each three numbers and an offset.
        along: Largest speed over θ of a surface of full growth, pixels a radian.
        s: Parameters round the curve that cut it into pieces of ``piece`` pixels at most.
        piece: Length at full growth.
    """

    axes: list[list[float]]
    along: float
    s: np.ndarray
    piece: float

    @classmethod
    def framing(cls, shell: Shell, view: View, side: int) -> '_Camera':
        """Centre the shell in a frame of ``side`` pixels."""
        rotation = view.rotation()
        rotation[1] *= -1
        theta = np.linspace(-TURN * shell.turns, 0, int(32 * shell.turns) + 1)[:, None]
        seen = rotation @ _space(shell, theta, np.linspace(0, TURN, 65)[None]).reshape(3, -1)
        low, high = seen.min(axis=1), seen.max(axis=1)
        scale = view.fill * side / (high - low)[:2].max()
        offset = side / 2 - scale * (low + high) / 2
        # The coil is self-similar: divided by its growth, one turn has the speeds of any other.
        theta = np.linspace(-TURN * min(shell.turns, 1), 0, 129)[:, None]
        s = np.linspace(0, TURN, 129)
        points = scale * _space(shell, theta, s[None]) / shell.expansion ** (theta / TURN)
        along = scale * _space(shell, theta, s[None])
        along = np.linalg.norm(np.diff(along, axis=1), axis=0)
        along = along / (theta[1] - theta[0]) / shell.expansion ** (theta[1:] / TURN)
        around = np.linalg.norm(np.diff(points, axis=2), axis=0).max(axis=0)
        length = np.concatenate([[0.0], np.cumsum(around)])
        axes = np.column_stack([scale * rotation, offset])
        even = np.interp(np.linspace(0, length[-1], 1025), length, s)
        return cls(axes.tolist(), float(along.max()), even, float(length[-1]) / 1024)

    def __call__(self, shell: Shell, theta: np.ndarray, s: np.ndarray) -> list[np.ndarray]:
        """Right, down and nearness, in pixels, of surface points."""
        r, y = shell.surface(theta, s)
        cos, sin = np.cos(theta), np.sin(theta)
        return [r * (a * cos + c * sin) + (d - b * y) for a, b, c, d in self.axes]


def _space(shell: Shell, theta: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Points of the surface, (3, ...): to the right, to the apex, to the viewer.

    At ``θ = 0`` the aperture is on the right and open to the viewer, as in a dextral shell.
    """
    r, y = shell.surface(theta, s)
    return np.stack([r * np.cos(theta), -y, r * np.sin(theta)])


def _splat(
    shell: Shell, camera: _Camera, side: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest surface parameters θ and s and depth at every pixel, −inf where there is no shell."""
    depth = np.full(side * side, -np.inf, np.float32)
    theta_at, s_at = np.zeros((2, side * side), np.float32)
    # Spacing under 1/√2 pixel leaves no pixel of a patch without a sample. Patches are short, so
    # that their sampling follows the growth, and go backward, so that most later ones are hidden.
    spacing = 0.68
    step = min(TURN / 4, TURN * np.log(1.5) / np.log(shell.expansion))
    knots = np.linspace(0, 1, len(camera.s))
    for end in np.arange(0, -TURN * shell.turns, -step):
        start = max(end - step, -TURN * shell.turns)
        growth = shell.expansion ** (end / TURN)
        n_theta = int((end - start) * camera.along * growth / spacing) + 3
        n_s = int((len(camera.s) - 1) * camera.piece * growth / spacing) + 6
        theta = np.linspace(start, end, n_theta, dtype=np.float32)[:, None]
        s = np.interp(np.arange(n_s) / n_s, knots, camera.s).astype(np.float32)[None]
        right, down, near = camera(shell, theta, s)
        pixel = (down.astype(np.int32) * side + right.astype(np.int32)).ravel()
        near = near.ravel()
        ahead = np.flatnonzero(near > depth[pixel])
        # Of several writes to a pixel the last one stays: the nearest.
        ahead = ahead[np.argsort(near[ahead], kind='stable')]
        pixel = pixel[ahead]
        depth[pixel] = near[ahead]
        theta_at[pixel] = theta[ahead // n_s, 0]
        s_at[pixel] = s[0, ahead % n_s]
    return tuple(a.reshape(side, side) for a in (theta_at, s_at, depth))


def _open_sky(depth: np.ndarray, hit: np.ndarray) -> np.ndarray:
    """Share of light kept in hollows: how far a point lies behind the mean depth around it."""
    side = len(depth)
    mask = hit.astype(np.float32)
    solid = np.where(hit, depth, np.float32(0))
    kept = np.ones_like(depth)
    for radius in (side / 80, side / 28):
        weight = np.maximum(_blur(mask, radius), 1e-6)
        behind = (_blur(solid, radius) / weight - solid) / radius
        # An edge against the ground curves away from the viewer, but nothing stands over it.
        within = np.clip(2 * weight - 1, 0, 1) ** 0.5
        kept -= 0.32 * within * np.clip(behind - 0.1, 0, 1)
    return kept


def _shade(
    shell: Shell,
    coat: Coat,
    camera: _Camera,
    theta: np.ndarray,
    s: np.ndarray,
    open_sky: np.ndarray,
) -> np.ndarray:
    """Colour of visible points (N,): Lambert, a soft highlight and light from all round; (N, 3)."""
    theta, s = theta.astype(np.float64), s.astype(np.float64)
    eps = 1e-4
    here = np.stack(camera(shell, theta, s), axis=-1)
    along = np.stack(camera(shell, theta - eps, s), axis=-1) - here
    around = np.stack(camera(shell, theta, s - eps), axis=-1) - here
    normal = np.cross(along, around)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    inside = normal[:, 2] < 0
    normal[inside] *= -1
    light = np.array([-0.42, -0.58, 0.70])
    halfway = light / np.linalg.norm(light) + [0, 0, 1]
    lambert = np.clip(normal @ light, 0, 1)
    gloss = np.clip(normal @ (halfway / np.linalg.norm(halfway)), 0, 1)
    colour = coat.albedo(theta, s, shell.expansion ** (theta / TURN))
    nacre = np.array(coat.inside)
    if shell.flare:
        colour = _mix(colour, nacre, 0.8 * np.clip(1 + theta / 0.1, 0, 1))
    colour[inside] = nacre * (0.5 + 0.5 * np.exp(theta[inside] / 0.9))[:, None]
    ambient = 0.50 - 0.08 * normal[:, 1]
    lit = colour * ((ambient + 0.55 * lambert) * open_sky)[:, None]
    return lit + ((0.16 * gloss**24 + 0.04 * gloss**6) * open_sky)[:, None]


def _ground(hit: np.ndarray) -> np.ndarray:
    """Light ground with a slight vignette and the soft shadow of what lies at ``hit``; (S, S, 3)."""
    side = len(hit)
    ruler = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
    light = 1 - 0.20 * (ruler[:, None] ** 2 + ruler[None] ** 2)
    mask = hit.astype(np.float32)
    for shift, radius, strength in ((0.012, 0.012, 0.22), (0.035, 0.045, 0.22)):
        move = np.array([[1, 0, shift * side * 0.7], [0, 1, shift * side]])
        light *= 1 - strength * _blur(cv2.warpAffine(mask, move, (side, side)), radius * side)
    return light[..., None] * np.array([0.955, 0.95, 0.94], np.float32)


def _blur(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def _mix(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    return a + (b - a) * share[:, None]


def _step(x: np.ndarray, width: float) -> np.ndarray:
    return 1 / (1 + np.exp(-4 * x / width))
