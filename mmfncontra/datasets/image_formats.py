"""Image formats: which files are read, by their names, and what others are."""

from functools import cache
from pathlib import PurePosixPath

from PIL import Image, features

# JPEG under all its names: browsers on Windows save it as .jfif.
_SUFFIXES = ('.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.bmp', '.tif', '.tiff')
AVIF_SUFFIXES = ('.avif',)
HEIF_SUFFIXES = ('.heic', '.heif', '.hif')
# Whatever their suffix. Pillow reads many more formats, and hands one of them (EPS) to an
# interpreter of programs.
_FORMATS = ('JPEG', 'MPO', 'PNG', 'WEBP', 'BMP', 'TIFF', 'GIF', 'AVIF', 'HEIF')
# Copies that systems make for themselves: thumbnails, and what was deleted.
_SYSTEM_FOLDERS = {'__MACOSX', '@eaDir', '#recycle', '$RECYCLE.BIN', 'System Volume Information'}
HEIF_REMEDY = 'pip install pillow-heif'
AVIF_REMEDY = "pip install 'pillow>=11.3'"


@cache
def readable_suffixes() -> tuple[str, ...]:
    """Suffixes of the files that are read on this machine, in lower case.

    Returns:
        JPEG, PNG, WebP, BMP and TIFF; AVIF where Pillow has it (11.3 and later), and HEIC where
        ``pillow-heif`` is installed.
    """
    formats = readable_formats()
    return (
        *_SUFFIXES,
        *(AVIF_SUFFIXES if 'AVIF' in formats else ()),
        *(HEIF_SUFFIXES if 'HEIF' in formats else ()),
    )


@cache
def readable_formats() -> tuple[str, ...]:
    """Pillow's names of the formats that are read on this machine, whatever a file's suffix."""
    Image.init()
    _register_heif()
    known = [name for name in _FORMATS if name in Image.OPEN]
    if 'AVIF' in known and not features.check('avif'):
        known.remove('AVIF')
    return tuple(known)


def _register_heif() -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError:  # an extra
        return
    register_heif_opener()


def is_image(name: str) -> bool:
    """Whether a file is taken for an image that is to be read.

    Args:
        name: Its path relative to the folder or zip, with forward slashes.
    """
    return suffix_of(name) in readable_suffixes() and not is_hidden(name)


def is_hidden(name: str) -> bool:
    """Whether a path leads through a hidden folder or one of a system, or is hidden itself.

    Args:
        name: A path relative to the folder or zip, with forward slashes.
    """
    parts = PurePosixPath(name).parts
    return any(part.startswith('.') or part in _SYSTEM_FOLDERS for part in parts)


def suffix_of(name: str) -> str:
    """The suffix of a path in lower case, with its dot; nothing if it has none."""
    return PurePosixPath(name).suffix.lower()


def foreign_content(data: bytes) -> str:
    """What a file is that no format fits.

    Args:
        data: Its contents.

    Returns:
        A few words with the remedy.
    """
    start = data[:512].lstrip().lower()
    brand = start[8:12] if start[4:8] == b'ftyp' else b''
    if not data:
        return 'the file is empty: copy or download it again'
    if brand in (b'heic', b'heix', b'heim', b'heis', b'hevc', b'mif1', b'msf1'):
        return f'it is HEIC, whatever its suffix: {HEIF_REMEDY}'
    if brand in (b'avif', b'avis'):
        return f'it is AVIF, whatever its suffix: {AVIF_REMEDY}'
    for beginning, meaning in _FOREIGN.items():
        if start.startswith(beginning):
            return meaning
    return 'not in a known image format'


_FOREIGN = {
    b'version https://git-lfs': 'it is a pointer of Git LFS: git lfs pull fetches the image',
    b'<!doctype html': 'it is a web page: download the image itself',
    b'<html': 'it is a web page: download the image itself',
    b'<svg': 'it is SVG: draw it as PNG',
    b'<?xml': 'it is XML: draw it as PNG if it is SVG',
    b'%pdf': 'it is PDF: save it as PNG',
    b'\xff\x0a': 'it is JPEG XL: save it as PNG or JPEG',
}
