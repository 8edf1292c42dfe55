"""Images without files: shells drawn from a formula."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np
from mmengine.dataset import BaseDataset

from mmfncontra.registry import DATASETS
from mmfncontra.utils.checks import check_integers

from .drawing import Coat, View, draw_shell
from .raup import Shell

Uniform = Callable[[float, float], float]

_CREAM, _WHITE, _TAN = (0.94, 0.88, 0.76), (0.96, 0.94, 0.90), (0.80, 0.64, 0.45)
_PINK, _ROSE, _ORANGE = (0.93, 0.72, 0.66), (0.80, 0.45, 0.42), (0.90, 0.60, 0.33)
_BROWN, _CHESTNUT = (0.60, 0.37, 0.21), (0.45, 0.24, 0.13)
_GREY_BLUE, _SLATE = (0.62, 0.66, 0.72), (0.38, 0.42, 0.50)
_NACRE, _PEACH = (0.96, 0.88, 0.82), (0.97, 0.82, 0.70)
# Ground, marking and inside.
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


@DATASETS.register_module()
class ProceduralShells(BaseDataset):
    """Seashells drawn from Raup's coiling model, for tests and demonstrations without any files.

    A generating curve turns about an axis by an angle θ while it grows and slides (Raup 1966,
    "Geometric analysis of shell coiling: general problems", Journal of Paleontology 40:1178-1190):

        r_θ = r_0 W^(θ/2π),    y_θ = y_0 W^(θ/2π) + r_c T (W^(θ/2π) − 1)

    with the whorl expansion W, the translation T, the distance D of the curve from the axis and its
    shape S (see :mod:`~mmfncontra.datasets.shells.raup`). Where these four lie makes the family:
    turrets, whelks, moon snails, cones, ammonites, nautiluses and, with a W of 10⁴ and more,
    scallops. Form, ornament, colour and pose vary within each. Shells are centred on light ground.

    The picture of an index depends on ``seed`` and the index alone: neither on the order of access
    nor on ``num_images``. Another ``size`` shows the same shell. Pictures are drawn at construction
    (64 of 64² take a few seconds, 64 of 1024² some minutes) and kept in memory.

    Each item is ``pipeline(dict(img, img_path, img_shape, sample_idx))`` with ``img`` an RGB array,
    ``size`` × ``size`` × 3, uint8, in [0, 255], which is the item's own copy.

    Args:
        num_images: Number of shells, 1 or more.
        size: Side of the images in pixels.
        seed: Which set of shells, 0 or more.
        families: Which forms to draw, some of ``turret``, ``whelk``, ``moon_snail``, ``cone``,
            ``ammonite``, ``nautilus``, ``scallop``; None means all, equally often.
        pipeline: Transforms, or configs of them, applied to each item.
        metainfo: Facts about the data, see ``mmengine.dataset.BaseDataset``.
        indices: Use only the first (or, negative, last) so many images, or the ones listed.
        test_mode: Whether a pipeline that returns None raises instead of drawing another image.
        lazy_init: Put off drawing until the first access.

    Raises:
        ValueError: If ``num_images``, ``size`` or ``seed`` is out of its range, or a family is
            unknown.

    Example:
        >>> ProceduralShells(num_images=2, size=32)[1]['img'].shape
        (32, 32, 3)
    """

    METAINFO: ClassVar[dict] = dict(
        dataset_type='procedural_shells', task_name='unconditional_generation'
    )

    def __init__(
        self,
        num_images: int = 64,
        size: int = 64,
        seed: int = 0,
        families: Sequence[str] | None = None,
        pipeline: Sequence[dict | Callable] = (),
        metainfo: Mapping | None = None,
        indices: int | Sequence[int] | None = None,
        test_mode: bool = False,
        lazy_init: bool = False,
    ) -> None:
        check_integers(num_images=num_images, size=size)
        check_integers(0, seed=seed)
        self.num_images = num_images
        self.size = size
        unknown = [name for name in families or () if name not in FAMILIES]
        if unknown or (families is not None and not families):
            raise ValueError(f'families must be some of {list(FAMILIES)}, got {families!r}')
        self.seed = seed
        self.families = families
        super().__init__(
            metainfo=metainfo,
            data_prefix={},
            indices=indices,
            # A few hundred short records: serialising them would only copy the images.
            serialize_data=False,
            pipeline=list(pipeline),
            test_mode=test_mode,
            lazy_init=lazy_init,
        )

    def load_data_list(self) -> list[dict]:
        """Draw the shells.

        Returns:
            One record per shell: ``img`` (RGB, size×size×3, uint8), ``img_path``, a name that says
            which shell it is, ``img_shape`` (H, W) and ``sample_idx``.
        """
        return [
            dict(
                img=draw_shell(*describe_shell(self.seed, index, self.families), self.size),
                img_path=f'procedural shells #{index}',
                img_shape=(self.size, self.size),
                sample_idx=index,
            )
            for index in range(self.num_images)
        ]


def describe_shell(
    seed: int, index: int, families: Sequence[str] | None = None
) -> tuple[Shell, Coat, View]:
    """Draw the parameters of one shell.

    Args:
        seed: Which set of shells, 0 or more.
        index: Which shell of the set, 0 or more.
        families: Families to choose from, some of :data:`FAMILIES`; None means all.

    Returns:
        Form, colour and view; a function of the two numbers alone.
    """
    rng = np.random.default_rng([seed, index])
    names = tuple(families or FAMILIES)
    shell, view = FAMILIES[names[rng.integers(len(names))]](rng.uniform)
    return shell, _coat(rng, shell.fan), view


def _coat(rng: np.random.Generator, fan: bool) -> Coat:
    base, mark, inside = _PALETTES[rng.integers(len(_PALETTES))]
    pattern = rng.choice(['plain', 'bands', 'flames', 'spots'])
    tint = rng.normal(0, 0.02, 3)
    return Coat(
        base=tuple(np.clip(base + tint, 0, 1)),
        mark=tuple(np.clip(mark + tint, 0, 1)),
        inside=inside,
        tip=mark if rng.random() < 0.3 else base,
        bands=int(rng.integers(2, 5)) * (3 if fan else 1),
        band_strength=0.8 if pattern == 'bands' else 0.0,
        flames=int(rng.integers(6, 14)),
        flame_strength=0.85 if pattern in ('flames', 'spots') else 0.0,
        wave=rng.uniform(0.1, 0.5),
        spots=float(pattern == 'spots'),
        growth_lines=rng.uniform(0.03, 0.1),
        phase=tuple(rng.uniform(0, 2 * np.pi, 4)),
    )


def _turret(u: Uniform) -> tuple[Shell, View]:
    expansion = u(1.16, 1.26)
    shell = Shell(
        expansion=expansion,
        distance=-0.06,
        translation=1.35 / (1 - 1 / expansion),
        shape=u(0.95, 1.1),
        turns=9,
        canal=u(0, 0.15),
        ribs=int(u(8, 18)),
        rib_relief=u(-0.02, 0.08),
        cords=int(u(5, 12)),
        cord_relief=u(0, 0.025),
        flare=0.06,
    )
    return shell, View(yaw=u(-25, 25), pitch=u(-8, 8), roll=u(-10, 10), fill=0.84)


def _whelk(u: Uniform) -> tuple[Shell, View]:
    expansion = u(1.5, 1.8)
    shell = Shell(
        expansion=expansion,
        distance=-0.12,
        translation=u(1.35, 1.6) / (1 - 1 / expansion),
        shape=u(1.3, 1.5),
        turns=7,
        canal=u(0.3, 0.9),
        ribs=int(u(7, 14)),
        rib_relief=u(-0.03, 0.12),
        cords=int(u(8, 16)),
        cord_relief=u(0, 0.02),
        shoulder=u(-0.03, 0.2),
        flare=0.1,
    )
    return shell, View(yaw=u(-25, 15), pitch=u(-10, 12), roll=u(-12, 10), fill=0.82)


def _moon_snail(u: Uniform) -> tuple[Shell, View]:
    shell = Shell(
        expansion=u(1.5, 1.75),
        distance=-0.15,
        translation=u(2.1, 2.9),
        shape=u(0.95, 1.15),
        cords=int(u(8, 16)),
        cord_relief=u(-0.01, 0.015),
        turns=7,
        flare=u(0, 0.1),
    )
    return shell, View(yaw=u(-25, 5), pitch=u(-5, 15), roll=u(5, 22), fill=0.78)


def _cone(u: Uniform) -> tuple[Shell, View]:
    shell = Shell(
        expansion=u(1.17, 1.28),
        distance=u(0.3, 0.4),
        translation=u(2.8, 3.4),
        shape=u(4.0, 5.0),
        turns=10,
        squareness=2.4,
        lean=0.85,
    )
    return shell, View(yaw=u(-25, 25), pitch=u(-4, 14), roll=u(-14, 14), fill=0.84)


def _ammonite(u: Uniform) -> tuple[Shell, View]:
    shell = Shell(
        expansion=u(1.7, 2.3),
        distance=u(0.32, 0.46),
        shape=u(0.8, 1.1),
        turns=7,
        ribs=int(u(18, 34)),
        rib_relief=u(0.03, 0.14),
    )
    return shell, View(yaw=u(-35, 25), pitch=u(70, 92), fill=0.78)


def _nautilus(u: Uniform) -> tuple[Shell, View]:
    shell = Shell(expansion=u(2.8, 3.5), distance=u(0.02, 0.1), shape=u(0.75, 0.95), turns=5)
    return shell, View(yaw=u(-35, 25), pitch=u(72, 90), fill=0.78)


def _scallop(u: Uniform) -> tuple[Shell, View]:
    shell = Shell(
        expansion=10 ** u(4.5, 6),
        shape=u(0.95, 1.1),
        turns=0.45,
        fan=True,
        cords=int(u(20, 32)),
        cord_relief=u(0.02, 0.045),
    )
    return shell, View(yaw=180 + u(-12, 12), pitch=u(-12, 12), roll=90 + u(-14, 14), fill=0.78)


FAMILIES = dict(
    turret=_turret,
    whelk=_whelk,
    moon_snail=_moon_snail,
    cone=_cone,
    ammonite=_ammonite,
    nautilus=_nautilus,
    scallop=_scallop,
)
