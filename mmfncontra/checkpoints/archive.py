"""Zip archive check: a checkpoint is whole and claims no more than it holds, before torch reads it.

``torch.load`` reads a file of zip format without looking at its checksums, and takes the sizes that
a file of the format before torch 1.6 claims.
"""

import os
import re
import struct
import zipfile
from typing import BinaryIO

from .pickle_check import check_pickle

# The first bytes of a zip file, and of torch's format before 1.6, in which mmagic publishes.
ZIP, BEFORE_ZIP = b'PK\x03\x04', b'\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19'
_RECORDS = re.compile(
    r'data\.pkl|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id'
    r'|data/\d+'
)
_CHUNK = 2**20
_END, _LOCATOR, _END_64 = '<4s4H2LH', '<4sLQL', '<4sQ2H2L4Q'


def check_archive(file: BinaryIO) -> None:
    """Check a checkpoint of zip format: directory, checksums, and what its pickle would build.

    Args:
        file: The open file. It is read once.

    Raises:
        pickle.UnpicklingError: If it would build other objects than a checkpoint is made of.
        ValueError: If it is damaged, or claims more than it holds; the message is without its name.
    """
    size = file.seek(0, os.SEEK_END)
    _check_end(file, size)
    try:
        with zipfile.ZipFile(file) as archive:
            records = _records(archive, size)
            for info in records.values():
                _check_sum(archive, info)
            held = {
                name.removeprefix('data/'): info.file_size
                for name, info in records.items()
                if name.startswith('data/')
            }
            with archive.open(records['data.pkl']) as index:
                check_pickle(index, held)
    # What Python's reader stumbles over in a damaged directory.
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, struct.error) as error:
        raise ValueError(f'its zip directory is broken ({error})') from error


def _check_end(file: BinaryIO, size: int) -> None:
    """Check that every reader of zips finds the same directory, at the end of the file."""
    lengths = [struct.calcsize(form) for form in (_END_64, _LOCATOR, _END)]
    file.seek(max(0, size - sum(lengths)))
    tail = file.read()
    end = struct.unpack(_END, tail[-lengths[2] :])
    sound = end[0] == b'PK\x05\x06' and end[7] == 0
    start, length, stop = end[6], end[5], size - lengths[2]
    if len(tail) == sum(lengths) and tail[lengths[0] :].startswith(b'PK\x06\x07'):
        locator = struct.unpack(_LOCATOR, tail[lengths[0] : -lengths[2]])
        end_64 = struct.unpack(_END_64, tail[: lengths[0]])
        stop = size - sum(lengths)
        sound = sound and end_64[0] == b'PK\x06\x06' and locator[2] == stop
        sound = sound and locator[1] == 0 and locator[3] == 1
        # The same numbers again, in 16 or 32 bits, or all ones where they do not fit.
        for short, long, limit in zip(
            end[1:7], end_64[4:], (*[0xFFFF] * 4, *[0xFFFFFFFF] * 2), strict=True
        ):
            sound = sound and short in (long, limit)
        start, length = end_64[9], end_64[8]
    if not sound or start + length != stop:
        raise ValueError('its zip directory is not where it should be')


def _records(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    infos = archive.infolist()
    folder = infos[0].filename.partition('/')[0] + '/' if infos else '/'
    records = {info.filename.removeprefix(folder): info for info in infos}
    for name, info in records.items():
        if not info.filename.startswith(folder) or not _RECORDS.fullmatch(name):
            raise ValueError(
                f'it has the entry {info.filename[:80]!r}, which torch.save does not write'
            )
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 0x1:
            raise ValueError(f'its entry {info.filename} is packed or encrypted')
        if info.compress_size != info.file_size:
            raise ValueError(f'its entry {info.filename} has two sizes')
    if len(records) != len(infos) or 'data.pkl' not in records:
        raise ValueError('its zip directory names entries twice, or has no data.pkl')
    claimed = sum(info.file_size for info in infos)
    if claimed > size:
        raise ValueError(f'its entries claim {claimed} bytes, the file has {size}')
    return records


def _check_sum(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    try:
        with archive.open(info) as entry:
            while entry.read(_CHUNK):
                pass
    except zipfile.BadZipFile as error:
        if 'CRC' not in str(error):
            raise
        raise ValueError(f'{info.filename} fails its checksum') from error


class _Bounded:
    """A file whose reads never ask for more than there is, whatever length a pickle claims."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self.readline = file.readline

    def read(self, count: int) -> bytes:
        return self._file.read(min(count, self._size - self._file.tell()))


def check_before_zip(file: BinaryIO) -> None:
    """Check a checkpoint of the format before torch 1.6, which has no checksums.

    Args:
        file: The open file.

    Raises:
        pickle.UnpicklingError: If it would build other objects than a checkpoint is made of.
        ValueError: If it is cut short, or claims more than it holds; the message is without its
            name.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    bounded = _Bounded(file, size)
    for _ in range(3):  # a magic number, the version, the byte order
        check_pickle(bounded)
    storages = check_pickle(bounded)
    check_pickle(bounded)  # the order of the storages, which follow with their lengths
    claimed = sum(8 + length for length in storages.values())
    left = size - file.tell()
    if claimed > left:
        raise ValueError(f'its tensors claim {claimed} bytes, the file holds {left}')
