"""Read one image: decode, turn upright, convert to RGB, resize."""

import io
import warnings

import numpy as np
from PIL import Image, ImageOps

from mmfncontra.utils.checks import check_image, check_integers
from mmfncontra.utils.console import shown_name
from mmfncontra.utils.one_line import one_line

from .image_formats import foreign_content, readable_formats

FITS = ('crop', 'stretch')
# Modes that can be transparent in part; a palette may hold RGBA entries.
_ALPHA_MODES = ('P', 'PA', 'LA', 'RGBA', 'RGBa')
# Pillow refuses what has twice its MAX_IMAGE_PIXELS, 179 megapixels; there are cameras of 150.
warnings.filterwarnings('ignore', category=Image.DecompressionBombWarning)


def open_image(data: bytes) -> Image.Image:
    """Open an image file of a usual format, without decoding its pixels.

    Args:
        data: The contents of the file.

    Raises:
        Exception: What Pillow raises, for one ``Image.DecompressionBombError`` at more than 179
            megapixels (twice ``Image.MAX_IMAGE_PIXELS``).
    """
    return Image.open(io.BytesIO(data), formats=readable_formats())


def read_image(data: bytes, name: str) -> Image.Image:
    """Decode an image file to an upright RGB image.

    Args:
        data: The contents of the file (JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF, and HEIC where
            ``pillow-heif`` is installed). Of several frames or pages the first counts.
        name: What error messages call the file.

    Returns:
        The image in mode ``'RGB'``, 8 bits a channel, with its EXIF orientation applied.

    Raises:
        ValueError: If the file is broken, truncated, no image, in a colour mode of unknown range,
            or of more than 179 megapixels, which is found before its pixels are decoded.
    """
    name = shown_name(name)
    try:
        with open_image(data) as image:
            image.load()
            return to_rgb(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError as error:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0) / 10**6
        raise ValueError(
            f'{name}: too many pixels to be a safe image, more than {limit:.3g} megapixels: save '
            'it smaller'
        ) from error
    except MemoryError:
        raise
    # Pillow's decoders raise whatever they stumble over: OSError, SyntaxError, struct.error …
    except Exception as error:
        # Pillow's own sentence names a BytesIO object, which tells a reader nothing.
        unknown = isinstance(error, Image.UnidentifiedImageError)
        reason = foreign_content(data) if unknown else one_line(error)
        raise ValueError(f'{name}: not a readable image ({reason})') from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert an image of any mode to RGB.

    Grey is repeated, a palette looked up, CMYK inverted channel by channel, transparency composited
    on white, and 16-bit grey scaled from [0, 65535] to [0, 255]. Colour profiles are not applied.

    Args:
        image: An image of any of Pillow's modes.

    Returns:
        The image in mode ``'RGB'``.

    Raises:
        ValueError: If the mode has no fixed range (32-bit integers, floats) or no rule to RGB.
    """
    if image.mode == 'RGB' and 'transparency' not in image.info:
        return image
    # Pillow before 11.3 opens a 16-bit PNG in mode 'I'.
    if image.mode.startswith('I;16') or (image.mode == 'I' and image.format == 'PNG'):
        return _grey_16_to_rgb(image)
    if image.mode in ('I', 'F'):
        raise ValueError(
            f'mode {image.mode!r} (32 bits a pixel) has no fixed range: save it with 8 or 16 bits'
        )
    if image.mode in _ALPHA_MODES or 'transparency' in image.info:
        image = image.convert('RGBA')
        white = Image.new('RGBA', image.size, 'white')
        image = Image.alpha_composite(white, image)
    return image.convert('RGB')


def _grey_16_to_rgb(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.uint32)
    grey = ((values + 128) // 257).astype(np.uint8)  # rounded; 65535 = 257 · 255
    if 'transparency' in image.info:
        grey[values == image.info['transparency']] = 255
    return Image.fromarray(grey).convert('RGB')


def resize_image(image: Image.Image | np.ndarray, size: int, fit: str = 'crop') -> np.ndarray:
    """Resize an image to a square, antialiased: the one resize of data and metrics.

    Lanczos with a support that grows with the reduction (Pillow's), so that detail above the new
    Nyquist frequency is averaged out instead of folded back. An image of ``size`` × ``size`` comes
    back unchanged.

    Args:
        image: A Pillow image of any mode, or an RGB array, H×W×3, uint8.
        size: Side of the result in pixels.
        fit: ``'crop'`` takes the central square and keeps the proportions; ``'stretch'`` takes the
            whole image and squashes it.

    Returns:
        RGB array, ``size`` × ``size`` × 3, uint8.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> import numpy as np
        >>> resize_image(np.zeros((48, 64, 3), np.uint8), 16).shape
        (16, 16, 3)
    """
    check_integers(size=size)
    check_fit(fit)
    if isinstance(image, np.ndarray):
        check_image(image)
        image = Image.fromarray(image)
    image = to_rgb(image)
    if fit == 'crop':
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    return np.array(image.resize((size, size), Image.Resampling.LANCZOS))


def check_fit(fit: str) -> None:
    """Raise ``ValueError`` unless ``fit`` is one of the known ways to fit a square."""
    if fit not in FITS:
        raise ValueError(f'fit must be one of {FITS}, got {fit!r}')
