"""Where images come from: a folder or a zip."""

import os
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmfncontra.utils.console import shown_name
from mmfncontra.utils.files import expand_home

from .image_formats import is_hidden, is_image, readable_suffixes
from .left_out import LINKED_FOLDER, count_left_out, describe_left_out

# Past this no file is an image worth training on.
MAX_FILE_BYTES = 2**30
# Members of a zip that unpack to so many times their size are made to fill the memory; what is
# small may be a blank image.
MAX_RATIO, _SMALL_BYTES = 100, 2**24
# The others unpack as much as they like at once.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 2**20


class ImageSource:
    """Names and contents of the images in a folder (with its subfolders) or a zip.

    Files are chosen by suffix (:func:`~.image_formats.readable_suffixes`, in any case); hidden
    files and folders and those of systems, such as macOS's ``__MACOSX``, are left out. The order
    is natural (``2.png`` before ``10.png``) and depends on the names alone.

    Links to files are followed, wherever they lead, as in any folder; links to folders are not.
    Nothing of a zip is ever written to the disk, so that names such as ``../1.png`` in one lead
    nowhere. Its members are unpacked piece by piece, up to ``MAX_FILE_BYTES``.

    A zip stays open between reads, once in each process: a forked or unpickled copy opens its own.

    Args:
        root: Path of the folder or zip. A leading ``~`` is the home folder.

    Attributes:
        names: Paths of the images relative to ``root``, with forward slashes.
        left_out: Number of other files, and of links to folders, by kind; see
            :func:`~.left_out.count_left_out`.

    Raises:
        FileNotFoundError: If there is nothing at ``root``.
        ValueError: If ``root`` is neither folder nor zip, is a broken or encrypted zip, is packed
            by other than deflate, claims more than it holds, or holds no image.
    """

    def __init__(self, root: str | os.PathLike) -> None:
        self.root = expand_home(root)
        self._zip: zipfile.ZipFile | None = None
        self._zip_pid = -1
        if not self.root.exists():
            raise FileNotFoundError(
                f'data_root: nothing at {str(self.root)!r} (from {os.getcwd()!r}). Put the images '
                'there, or name another folder or zip: pass --data FOLDER or set '
                'train_dataloader.dataset.data_root'
            )
        self._is_zip = self.root.is_file()
        self._linked_folders = 0
        files = list(self._list_zip() if self._is_zip else self._list_folder())
        self.names = sorted({file for file in files if is_image(file)}, key=_natural)
        self.left_out = count_left_out(files)
        if self._linked_folders:
            self.left_out[LINKED_FOLDER] = self._linked_folders
        if not self.names:
            kind = 'zip' if self._is_zip else 'folder'
            others = describe_left_out(self.left_out) or 'no others' if files else 'no files at all'
            raise ValueError(
                f'data_root: no images in the {kind} {str(self.root)!r}, but {others}. '
                f'Images end in {", ".join(readable_suffixes())}'
            )

    def read(self, name: str) -> bytes:
        """Return the contents of one image file.

        Args:
            name: One of ``names``.

        Raises:
            ValueError: If the file cannot be read, is gone, or is larger than any image.
        """
        try:
            return self._read_member(name) if self._is_zip else _read_file(self.root / name)
        except MemoryError:
            raise
        # A damaged zip fails in zipfile, zlib or struct, each with its own exception.
        except Exception as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise ValueError(f'{shown_name(name)}: cannot be read ({reason})') from error

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_zip': None, '_zip_pid': -1}

    def _read_member(self, name: str) -> bytes:
        archive = self._open_zip()
        info = archive.getinfo(name)
        if info.file_size > MAX_FILE_BYTES:
            raise ValueError(f'unpacks to more than {MAX_FILE_BYTES >> 20} MiB')
        if info.file_size > max(_SMALL_BYTES, MAX_RATIO * info.compress_size):
            raise ValueError(
                f'unpacks to more than {MAX_RATIO} times its size: a decompression bomb; if it is '
                'an image, put it into a folder'
            )
        with archive.open(info) as member:
            # In pieces: what the file says of its size need not be so.
            return b''.join(iter(lambda: member.read(_CHUNK), b''))

    def _list_folder(self) -> Iterable[str]:
        for folder, folders, files in os.walk(self.root, onerror=_refuse_folder):
            place = Path(folder).relative_to(self.root)
            self._linked_folders += sum(
                os.path.islink(os.path.join(folder, name))
                and not is_hidden((place / name).as_posix())
                for name in folders
            )
            for file in files:
                yield (place / file).as_posix()

    def _list_zip(self) -> Iterable[str]:
        infos = [info for info in self._open_zip().infolist() if not info.filename.endswith('/')]
        for info in infos:
            if info.flag_bits & 0x1 and is_image(info.filename):
                raise ValueError(
                    f'data_root: {str(self.root)!r} is encrypted ({shown_name(info.filename)}). '
                    'Unpack it and name the folder'
                )
            if info.compress_type not in _METHODS and is_image(info.filename):
                raise ValueError(
                    f'data_root: {str(self.root)!r} is packed by another method than deflate '
                    f'({shown_name(info.filename)}). Unpack it and name the folder'
                )
        if sum(info.compress_size for info in infos) > self.root.stat().st_size:
            raise ValueError(
                f'data_root: {str(self.root)!r} is no sound zip: its entries overlap, or claim '
                'more than it holds'
            )
        return [info.filename for info in infos]

    def _open_zip(self) -> zipfile.ZipFile:
        # Forked processes share one file position, hence one handle for each process.
        if self._zip is None or self._zip_pid != os.getpid():
            try:
                self._zip = zipfile.ZipFile(self.root)
            except MemoryError:
                raise
            # A damaged directory fails in zipfile, struct, or where it seeks to.
            except Exception as error:
                raise ValueError(
                    f'data_root: {str(self.root)!r} is neither a folder nor a sound zip ({error})'
                ) from error
            self._zip_pid = os.getpid()
        return self._zip


def _read_file(path: Path) -> bytes:
    # Opening a pipe would wait for whoever writes to it.
    if path.exists() and not path.is_file():
        raise ValueError('it is no regular file')
    with path.open('rb') as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(f'it has more than {MAX_FILE_BYTES >> 20} MiB')
    return data


def _refuse_folder(error: OSError) -> None:
    raise ValueError(
        f'data_root: the folder {error.filename!r} cannot be listed ({error.strerror})'
    ) from error


def _natural(name: str) -> tuple[list[str | tuple[int, str]], str]:
    """Sort key: runs of digits compare as numbers; the name itself settles what is equal then."""
    parts = re.split(r'([0-9]+)', name.casefold())
    # Of two numbers the one of more digits is larger; Python reads none of thousands.
    digits = [part.lstrip('0') for part in parts]
    return [(len(digits[i]), digits[i]) if i % 2 else part for i, part in enumerate(parts)], name
