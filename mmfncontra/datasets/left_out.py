"""Files of a folder that are not trained on: counted by kind, each kind with its remedy."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from mmfncontra.utils.console import shown_name

from .image_formats import (
    AVIF_REMEDY,
    AVIF_SUFFIXES,
    HEIF_REMEDY,
    HEIF_SUFFIXES,
    is_hidden,
    is_image,
    readable_suffixes,
    suffix_of,
)

HIDDEN, NO_SUFFIX, LINKED_FOLDER = 'hidden', 'without suffix', 'links to folders'
_INSTALLED = ', and they are read'
# What systems leave in every folder.
_SYSTEM_FILES = {'thumbs.db', 'desktop.ini', 'ehthumbs.db'}
_PICTURES = {
    f'{HEIF_REMEDY}{_INSTALLED}': ' '.join(HEIF_SUFFIXES),
    f'{AVIF_REMEDY}{_INSTALLED}': ' '.join(AVIF_SUFFIXES),
    'save them as PNG or JPEG': '.gif .apng .jxl .jp2 .j2k .jpx .tga .psd .xcf .ico .ppm .pgm .pnm '
    '.exr .hdr .dds',
    'develop them, and save them as PNG (of 8 or 16 bits) or JPEG': '.dng .cr2 .cr3 .nef .arw .raf '
    '.orf .rw2 .pef .srw .raw',
    'draw them as PNG, as large as they are to be trained on': '.svg .pdf .eps .ai',
}
_OTHERS = {
    'save frames of them as PNG or JPEG': '.mp4 .mov .avi .mkv .webm .m4v .mpg .3gp',
    'unpack them, or name one zip alone': '.zip .tar .gz .tgz .7z .rar .xz .bz2',
    'save the images in them as PNG files': '.npy .npz .h5 .hdf5 .mat .pkl .pt .parquet .arrow '
    '.tfrecord .tfrecords .mdb',
    'finish their download': '.icloud .part .crdownload .download .partial',
}
_PICTURE_SUFFIXES = frozenset(' '.join(_PICTURES.values()).split())
_REMEDIES = {
    **{
        suffix: remedy
        for remedy, suffixes in {**_PICTURES, **_OTHERS}.items()
        for suffix in suffixes.split()
    },
    HIDDEN: 'thumbnails need nothing; rename what is an image of yours, without the dot, or move '
    'it out of the hidden folder',
    NO_SUFFIX: 'if they are images, name them by their format, such as .jpg or .png',
    LINKED_FOLDER: 'put the folders themselves there, or name one of them: links to folders are '
    'not followed',
}
_OTHERWISE = 'nothing to do, unless they hold images: these are to be PNG or JPEG files'


def count_left_out(names: Iterable[str]) -> dict[str, int]:
    """Count the files that are not read, by kind.

    Args:
        names: Paths relative to the folder or zip, those of images too.

    Returns:
        Numbers, the largest first, by suffix, :data:`HIDDEN` (images only) or :data:`NO_SUFFIX`.
        What systems leave in every folder, such as ``Thumbs.db``, does not count.

    Example:
        >>> count_left_out(['1.png', '2.MOV', '3.mov', '.trash/4.png', 'notes.txt', '.DS_Store'])
        {'.mov': 2, 'hidden': 1, '.txt': 1}
    """
    kinds = Counter(_kind(name) for name in names if not is_image(name))
    return {kind: number for kind, number in kinds.most_common() if kind}


def _kind(name: str) -> str:
    suffix = suffix_of(name)
    if suffix == '.icloud':  # its name is that of the image, hidden
        return suffix
    if is_hidden(name):
        return HIDDEN if suffix in readable_suffixes() or suffix in _PICTURE_SUFFIXES else ''
    if PurePosixPath(name).name.lower() in _SYSTEM_FILES:
        return ''
    return suffix or NO_SUFFIX


def left_out_remedy(kind: str) -> str:
    """What to do about files of a kind.

    Args:
        kind: A key of what :func:`count_left_out` returns, or :data:`LINKED_FOLDER`.
    """
    return _REMEDIES.get(kind, _OTHERWISE)


def describe_left_out(left_out: Mapping[str, int], most: int = 8) -> str:
    """One line on the files that are not read.

    Args:
        left_out: Numbers by kind.
        most: Kinds that are named.

    Returns:
        Such as ``'3 other files are left out: 2 .mov, 1 hidden'``; nothing if there are none. What
        a package would read is said.
    """
    if not left_out:
        return ''
    total = sum(left_out.values())
    files = 'other file is' if total == 1 else 'other files are'
    kinds = [f'{number} {shown_name(kind)}' for kind, number in left_out.items()]
    more = [f'{len(kinds) - most} kinds more'] if len(kinds) > most else []
    return f'{total} {files} left out: {", ".join([*kinds[:most], *more])}{_hint(left_out)}'


def _hint(left_out: Iterable[str]) -> str:
    """What a package would read."""
    packages: dict[str, list[str]] = {}
    for kind in left_out:
        command, installed, _ = left_out_remedy(kind).partition(_INSTALLED)
        if installed:
            packages.setdefault(command, []).append(kind)
    ways = [f'{command} to read {" and ".join(kinds)}' for command, kinds in packages.items()]
    return f' ({"; ".join(ways)})' if ways else ''
