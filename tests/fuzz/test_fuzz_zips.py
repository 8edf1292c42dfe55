"""Damaged and hostile zips: the contents of an image or an error of one line, and no file."""

import io
import os
import random
import re
import struct
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import NUMBERS, damaged, profile
from pictures import write_zip

from mmfncontra.datasets.image_source import ImageSource

CONTENTS = {'1.png': b'1' * 100, 'b/2.png': random.Random(0).randbytes(60), 'b/10.jpg': b'x' * 3000}
# Offsets and widths of the numbers in an entry of the directory, before its file, at the end.
FIELDS = {
    b'PK\x01\x02': [
        *((4, 2), (6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2)),
        *((32, 2), (34, 2), (38, 4), (42, 4)),
    ],
    b'PK\x03\x04': [(4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)],
    b'PK\x05\x06': [(4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)],
}


def make_zip(contents=CONTENTS, method=zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    write_zip(file, contents, method)
    return file.getvalue()


@st.composite
def headers(draw, data: bytes) -> bytes:
    content = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        magic = draw(st.sampled_from(sorted(FIELDS)))
        place = draw(st.sampled_from([match.start() for match in re.finditer(magic, data)]))
        offset, width = draw(st.sampled_from(FIELDS[magic]))
        near = struct.unpack_from('<H' if width == 2 else '<I', data, place + offset)[0]
        number = draw(NUMBERS | st.sampled_from([near + 1, max(0, near - 1), near + 40, 9, 12, 14]))
        number &= 2 ** (8 * width) - 1
        struct.pack_into('<H' if width == 2 else '<I', content, place + offset, number)
    return bytes(content)


def check(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'a.zip'
        path.write_bytes(data)
        try:
            source = ImageSource(path)
        except ValueError as error:
            assert 'a.zip' in str(error) and '\n' not in str(error)
            return
        for name in source.names:
            try:
                source.read(name)
            except ValueError as error:
                assert ': cannot be read (' in str(error) and '\n' not in str(error)
        assert os.listdir(folder) == ['a.zip']


ZIPS = [make_zip(), make_zip(method=zipfile.ZIP_STORED)]


@pytest.mark.filterwarnings('ignore')
@profile(80)
@given(st.sampled_from(ZIPS).flatmap(damaged))
def test_damaged_zips(data):
    check(data)


@pytest.mark.filterwarnings('ignore')
@profile(80)
@given(st.sampled_from(ZIPS).flatmap(headers))
def test_headers_of_zips(data):
    check(data)


@profile(30)
@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4))
def test_names(names):
    check(make_zip({f'{name}.png': b'1' for name in names}))


@pytest.mark.parametrize('name', ['/1.png', 'C:\\1.png', '9' * 5000 + '.png', 'a\nb.png'])
def test_odd_names_are_read_in_place(tmp_path, name):
    (tmp_path / 'a.zip').write_bytes(make_zip({name: b'1'}))
    source = ImageSource(tmp_path / 'a.zip')
    assert source.names == [name] and source.read(name) == b'1'
    assert os.listdir(tmp_path) == ['a.zip']


def test_names_above_the_archive_are_no_images(tmp_path):
    (tmp_path / 'a.zip').write_bytes(
        make_zip({'../1.png': b'', 'b/../../2.png': b'', '3.png': b''})
    )
    assert ImageSource(tmp_path / 'a.zip').names == ['3.png']


def test_a_link_in_a_zip_is_not_followed(tmp_path):
    (tmp_path / 'secret.png').write_bytes(b'secret')
    info = zipfile.ZipInfo('1.png')
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w') as archive:
        archive.writestr(info, '../secret.png')
    assert ImageSource(tmp_path / 'a.zip').read('1.png') == b'../secret.png'


def test_links_in_a_folder_are_followed_to_files_alone(tmp_path):
    (tmp_path / 'data' / 'b').mkdir(parents=True)
    (tmp_path / 'outside.png').write_bytes(b'1')
    (tmp_path / 'data' / '1.png').symlink_to(tmp_path / 'outside.png')
    (tmp_path / 'data' / 'b' / 'loop').symlink_to(tmp_path / 'data')
    source = ImageSource(tmp_path / 'data')
    assert source.names == ['1.png'] and source.read('1.png') == b'1'


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    (tmp_path / 'a.zip').write_bytes(make_zip({'1.bmp': bytes(2**26)}))
    source = ImageSource(tmp_path / 'a.zip')
    tracemalloc.start()
    with pytest.raises(ValueError, match=r'^1\.bmp: .*a decompression bomb'):
        source.read('1.bmp')
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_a_bomb_that_lies_about_its_size(tmp_path):
    data = make_zip({'1.bmp': bytes(2**26)})
    for magic, offset in ((b'PK\x01\x02', 24), (b'PK\x03\x04', 22)):
        place = data.index(magic) + offset
        data = data[:place] + struct.pack('<I', 1000) + data[place + 4 :]
    (tmp_path / 'a.zip').write_bytes(data)
    source = ImageSource(tmp_path / 'a.zip')
    tracemalloc.start()
    with pytest.raises(ValueError, match=r'^1\.bmp: cannot be read'):
        source.read('1.bmp')
    assert tracemalloc.get_traced_memory()[1] < 2**23
    tracemalloc.stop()


@pytest.mark.parametrize('method', [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_bound_are_refused(tmp_path, method):
    (tmp_path / 'a.zip').write_bytes(make_zip(method=method))
    with pytest.raises(ValueError, match=r'a\.zip.*another method than deflate \(1\.png\)'):
        ImageSource(tmp_path / 'a.zip')


def test_entries_that_overlap_are_refused(tmp_path):
    data = bytearray(make_zip({f'{i}.png': os.urandom(1000) for i in range(5)}))
    first = data.index(b'PK\x01\x02')
    for match in list(re.finditer(b'PK\x01\x02', bytes(data)))[1:]:
        struct.pack_into('<2I', data, match.start() + 20, 4000, 4000)
    assert first
    (tmp_path / 'a.zip').write_bytes(data)
    with pytest.raises(ValueError, match='entries overlap'):
        ImageSource(tmp_path / 'a.zip')


def test_a_file_that_vanishes_or_is_no_file(tmp_path):
    (tmp_path / '1.png').write_bytes(b'1')
    os.mkfifo(tmp_path / '2.png')
    source = ImageSource(tmp_path)
    (tmp_path / '1.png').unlink()
    with pytest.raises(ValueError, match=r'^1\.png: cannot be read \(No such file'):
        source.read('1.png')
    with pytest.raises(ValueError, match=r'^2\.png: cannot be read \(it is no regular file'):
        source.read('2.png')


def test_a_zip_that_is_cut_after_it_was_listed(tmp_path):
    path = tmp_path / 'a.zip'
    path.write_bytes(make_zip({'1.png': os.urandom(10**6)}))
    source = ImageSource(path)
    os.truncate(path, 1000)
    with pytest.raises(ValueError, match=r'^1\.png: cannot be read'):
        source.read('1.png')
