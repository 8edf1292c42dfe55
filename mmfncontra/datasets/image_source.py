"""Where images come from: a folder or a zip."""

import os
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp', '.tif', '.tiff')
# A zip states how far it unpacks; past this no file is an image worth training on.
MAX_FILE_BYTES = 2**30


class ImageSource:
    """Names and contents of the images in a folder (with its subfolders) or a zip.

    Files are chosen by suffix (``SUFFIXES``, in any case); hidden files and folders and macOS's
    ``__MACOSX`` are left out. The order is natural (``2.png`` before ``10.png``) and depends on
    the names alone.

    A zip stays open between reads, once in each process: a forked or unpickled copy opens its own.

    Args:
        root: Path of the folder or zip. A leading ``~`` is the home folder.

    Attributes:
        names: Paths of the images relative to ``root``, with forward slashes.

    Raises:
        FileNotFoundError: If there is nothing at ``root``.
        ValueError: If ``root`` is neither folder nor zip, is a broken or encrypted zip, or holds no
            image.
    """

    def __init__(self, root: str | os.PathLike) -> None:
        self.root = Path(root).expanduser()
        self._zip: zipfile.ZipFile | None = None
        self._zip_pid = -1
        if not self.root.exists():
            raise FileNotFoundError(
                f'data_root: nothing at {str(self.root)!r} (from {os.getcwd()!r}). Put the images '
                'there, or name another folder or zip: pass --data FOLDER or set '
                'train_dataloader.dataset.data_root'
            )
        self._is_zip = self.root.is_file()
        files = list(self._list_zip() if self._is_zip else self._list_folder())
        self.names = sorted({file for file in files if _is_image(file)}, key=_natural)
        if not self.names:
            kind = 'zip' if self._is_zip else 'folder'
            others = f'{len(files)} other files' if files else 'no files at all'
            raise ValueError(
                f'data_root: no images in the {kind} {str(self.root)!r}, but {others}. '
                f'Images end in {", ".join(SUFFIXES)}'
            )

    def read(self, name: str) -> bytes:
        """Return the contents of one image file.

        Args:
            name: One of ``names``.

        Raises:
            ValueError: If the file cannot be read.
        """
        try:
            if not self._is_zip:
                return (self.root / name).read_bytes()
            archive = self._open_zip()
            if archive.getinfo(name).file_size > MAX_FILE_BYTES:
                raise ValueError(f'unpacks to more than {MAX_FILE_BYTES >> 20} MiB')
            return archive.read(name)
        except MemoryError:
            raise
        # A damaged zip fails in zipfile, zlib, lzma or struct, each with its own exception.
        except Exception as error:
            raise ValueError(f'{name}: cannot be read ({error})') from error

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_zip': None, '_zip_pid': -1}

    def _list_folder(self) -> Iterable[str]:
        for folder, _, files in os.walk(self.root):
            for file in files:
                yield (Path(folder) / file).relative_to(self.root).as_posix()

    def _list_zip(self) -> Iterable[str]:
        infos = [info for info in self._open_zip().infolist() if not info.is_dir()]
        for info in infos:
            if info.flag_bits & 0x1 and _is_image(info.filename):
                raise ValueError(
                    f'data_root: {str(self.root)!r} is encrypted ({info.filename}). '
                    'Unpack it and name the folder'
                )
        return [info.filename for info in infos]

    def _open_zip(self) -> zipfile.ZipFile:
        # Forked processes share one file position, hence one handle for each process.
        if self._zip is None or self._zip_pid != os.getpid():
            try:
                self._zip = zipfile.ZipFile(self.root)
            except (zipfile.BadZipFile, OSError, EOFError) as error:
                raise ValueError(
                    f'data_root: {str(self.root)!r} is neither a folder nor a sound zip ({error})'
                ) from error
            self._zip_pid = os.getpid()
        return self._zip


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith('.') or part == '__MACOSX' for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden


def _natural(name: str) -> tuple[list[str | int], str]:
    """Sort key: runs of digits compare as numbers; the name itself settles what is equal then."""
    parts = re.split(r'([0-9]+)', name.casefold())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name
