"""Pictures inside an HTML file."""

import base64
import io
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image

_QUALITY = 85


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
