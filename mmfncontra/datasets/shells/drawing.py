"""A small renderer: pictures of Raup's shells as a catalogue would show them."""

from dataclasses import dataclass

import cv2
import numpy as np

from mmfncontra.utils.checks import check_interval

from .raup import TURN, Shell


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
        """Colour (N, 3) of the outside at points (N,) where the coil has the size ``growth``."""
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
    """Pose of one shell.

    Args:
        yaw: Turn about the coiling axis, in degrees.
        pitch: Then, tilt of the apex towards the viewer.
        roll: Then, counterclockwise turn in the picture.
        fill: Share of the frame, in (0, 0.9], that the longer side of the shell's bounds takes.

    Raises:
        ValueError: If ``fill`` is out of its range.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    fill: float = 0.8

    def __post_init__(self) -> None:
        check_interval('(0, 0.9]', fill=self.fill)

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
    colour = _shade(shell, coat, camera, theta[hit], s[hit], _open_sky(depth, hit)[hit])
    # A pixel of the outline is hit wherever the outline crosses it: half of it, on the average.
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    cover = (1 + cv2.erode(hit.astype(np.uint8), cross)[hit]) / 2
    picture = _ground(hit)
    picture[hit] = _mix(picture[hit], colour, cover)
    picture = picture.reshape(size, oversampling, size, oversampling, 3).mean(axis=(1, 3))
    return (255 * picture.clip(0, 1) + 0.5).astype(np.uint8)


@dataclass(frozen=True)
class _Camera:
    """Orthographic view of a shell, in pixels of a frame.

    Args:
        axes: Rows right, down and towards the viewer; each three numbers and an offset.
        along: Largest speed over θ of a surface of full growth, pixels a radian.
        s: Parameters round the curve.
        length: Length of the curve up to each of them, at full growth, in pixels.
    """

    axes: list[list[float]]
    along: float
    s: np.ndarray
    length: np.ndarray

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
        points = scale * _space(shell, theta, s[None])
        growth = shell.expansion ** (theta / TURN)
        along = np.linalg.norm(np.diff(points, axis=1), axis=0) / growth[1:] / np.ptp(theta) * 128
        around = (np.linalg.norm(np.diff(points, axis=2), axis=0) / growth).max(axis=0)
        length = np.concatenate([[0.0], np.cumsum(around)])
        axes = np.column_stack([scale * rotation, offset])
        return cls(axes.tolist(), float(along.max()), s, length)

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


def _splat(shell: Shell, camera: _Camera, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest surface parameters θ and s and depth at every pixel, −inf where there is no shell."""
    depth = np.full(side * side, -np.inf, np.float32)
    theta_at, s_at = np.zeros((2, side * side), np.float32)
    # Spacing under 1/√2 pixel leaves no pixel of a patch without a sample. Patches are short, so
    # that their sampling follows the growth.
    spacing = 0.68
    step = min(TURN / 4, TURN * np.log(1.5) / np.log(shell.expansion))
    for end in np.arange(0, -TURN * shell.turns, -step):
        start = max(end - step, -TURN * shell.turns)
        growth = shell.expansion ** (end / TURN)
        n_theta = int((end - start) * camera.along * growth / spacing) + 3
        n_s = int(camera.length[-1] * growth / spacing) + 6
        theta = np.linspace(start, end, n_theta, dtype=np.float32)[:, None]
        even = np.linspace(0, camera.length[-1], n_s, endpoint=False)
        s = np.interp(even, camera.length, camera.s).astype(np.float32)[None]
        right, down, near = camera(shell, theta, s)
        pixel = (down.astype(np.int32) * side + right.astype(np.int32)).ravel()
        near = near.ravel().astype(depth.dtype, copy=False)
        np.maximum.at(depth, pixel, near)
        nearest = np.flatnonzero(near == depth[pixel])
        theta_at[pixel[nearest]] = theta[nearest // n_s, 0]
        s_at[pixel[nearest]] = s[0, nearest % n_s]
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
    ambient = 0.53 - 0.08 * normal[:, 1]
    lit = colour * ((ambient + 0.55 * lambert) * open_sky)[:, None]
    return lit + ((0.16 * gloss**24 + 0.04 * gloss**6) * open_sky)[:, None]


def _ground(hit: np.ndarray) -> np.ndarray:
    """Light ground (S, S, 3) with a slight vignette and the soft shadow of what is at ``hit``."""
    side = len(hit)
    ruler = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
    light = 1 - 0.20 * (ruler[:, None] ** 2 + ruler[None] ** 2)
    mask = hit.astype(np.float32)
    for shift, radius, strength in ((0.012, 0.012, 0.22), (0.035, 0.045, 0.22)):
        move = np.array([[1, 0, shift * side * 0.7], [0, 1, shift * side]])
        light *= 1 - strength * _blur(cv2.warpAffine(mask, move, (side, side)), radius * side)
    return light[..., None] * np.array([0.955, 0.95, 0.94], np.float32)


def _blur(image: np.ndarray, sigma: float) -> np.ndarray:
    # A wide blur of large frames is the same, and fast, at a lower resolution.
    side = len(image)
    small = side // max(1, int(sigma / 4))
    image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    sigma = sigma * small / side
    image = cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)


def _mix(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    return a + (b - a) * share[:, None]


def _step(x: np.ndarray, width: float) -> np.ndarray:
    return 1 / (1 + np.exp(-4 * x / width))
