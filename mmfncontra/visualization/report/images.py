"""Pictures inside an HTML file."""

import base64
import io
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image

from .plots import Plot

_QUALITY = 85
_WIDTHS = (640, 480, 320, 240, 160, 96)  # of pictures that share a page, in pixels
_Key = TypeVar('_Key', bound=Hashable)


def inline_picture(path: str | Path, max_width: int = 1024) -> str | None:
    """A picture as a data URI: JPEG, no wider than asked for.

    Args:
        path: The file.
        max_width: In pixels; wider pictures are reduced, antialiased.

    Returns:
        The URI; None if the file cannot be read as a picture.
    """
    try:
        with Image.open(path) as opened:
            image = opened.convert('RGB')
    # Pillow raises a SyntaxError for some broken PNG files.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if image.width > max_width:
        height = max(1, round(image.height * max_width / image.width))
        image = image.resize((max_width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    # Full colour resolution: on images of 64 pixels, halving it is seen.
    image.save(buffer, 'JPEG', quality=_QUALITY, subsampling=0)
    return _data_uri(buffer.getvalue(), 'image/jpeg')


def inline_pictures(paths: Mapping[_Key, Path], max_bytes: int) -> dict[_Key, str]:
    """Pictures as data URIs, reduced as far as it takes to be no larger than asked for together.

    Args:
        paths: Files by what to call them.
        max_bytes: Of all URIs. At 96 pixels of width no picture is reduced any further.

    Returns:
        URIs by the same names, without files that cannot be read as a picture.
    """
    for width in _WIDTHS:
        uris: dict[_Key, str] = {}
        size = 0
        for name, path in paths.items():
            if uri := inline_picture(path, width):
                uris[name] = uri
                size += len(uri)
            if size > max_bytes and width != _WIDTHS[-1]:
                break
        else:
            break
    return uris


def inline_plots(plots: Iterable[Plot]) -> list[dict[str, str]]:
    """Plots as the macro ``plots`` of the templates takes them: ``uri``, ``title``, ``alt``.

    Args:
        plots: Drawn ones.
    """
    return [dict(uri=inline_figure(p.figure), title=p.title, alt=p.alt) for p in plots]


def inline_figure(figure: Figure) -> str:
    """A plot as a data URI: SVG with its letters drawn, the same bytes for the same plot.

    Args:
        figure: The plot.
    """
    buffer = io.BytesIO()
    with rc_context({'svg.hashsalt': 'report', 'svg.fonttype': 'path'}):
        figure.savefig(buffer, format='svg', metadata={'Date': None})
    return _data_uri(buffer.getvalue(), 'image/svg+xml')


def _data_uri(content: bytes, kind: str) -> str:
    return f'data:{kind};base64,{base64.b64encode(content).decode()}'
