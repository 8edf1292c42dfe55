"""Damaged images: a picture or an error of one line, whatever the bytes."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import NUMBERS, damaged, profile
from PIL import Image

from mmfncontra.apis.data_check.inspection import inspect_image
from mmfncontra.datasets.image_reading import read_image

KINDS = {
    'jpeg': dict(format='JPEG'),
    'progressive': dict(format='JPEG', progressive=True),
    'png': dict(format='PNG'),
    'palette': dict(format='PNG', mode='P'),
    'grey_alpha': dict(format='PNG', mode='LA'),
    'webp': dict(format='WEBP'),
    'bmp': dict(format='BMP'),
    'gif': dict(format='GIF', mode='P'),
    'tiff': dict(format='TIFF'),
    'tiff_lzw': dict(format='TIFF', compression='tiff_lzw'),
    'cmyk': dict(format='TIFF', mode='CMYK'),
}


def encode(format: str, mode: str = 'RGB', **kwargs) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    if format in ('JPEG', 'PNG', 'WEBP'):
        kwargs['exif'] = exif
    Image.fromarray(pixels).convert(mode).save(file, format, **kwargs)
    return file.getvalue()


FILES = {kind: encode(**how) for kind, how in KINDS.items()}


def check(data: bytes) -> None:
    facts = inspect_image(data, 'a.png')
    if facts.error:
        assert facts.error.startswith('a.png: ') and '\n' not in facts.error
        assert len(facts.error) < 400
        return
    assert read_image(data, 'a.png').size == (facts.width, facts.height)


@pytest.mark.filterwarnings('ignore')
@profile(200)
@given(st.sampled_from(sorted(FILES)).flatmap(lambda kind: damaged(FILES[kind], head=160)))
def test_damaged_images(data):
    check(data)


@pytest.mark.filterwarnings('ignore')
@profile(80)
@given(NUMBERS, NUMBERS, st.binary(min_size=5, max_size=5))
def test_headers_of_png_with_a_right_checksum(width, height, rest):
    """Random damage never passes the checksum of the header, where the sizes are."""
    header = b'IHDR' + struct.pack('>2I', width & 0xFFFFFFFF, height & 0xFFFFFFFF) + rest
    chunk = struct.pack('>I', 13) + header + struct.pack('>I', zlib.crc32(header))
    check(FILES['png'][:8] + chunk + FILES['png'][33:])


@pytest.mark.parametrize('code', [b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n'])
def test_formats_that_are_programs_are_not_opened(code):
    assert Image.open(io.BytesIO(code)).format == 'EPS'
    with pytest.raises(ValueError, match=r'^a\.png: not a readable image \(not in a known'):
        read_image(code, 'a.png')


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch):
    header = b'IHDR' + struct.pack('>2I', 16384, 16384) + bytes([8, 2, 0, 0, 0])
    chunk = struct.pack('>I', 13) + header + struct.pack('>I', zlib.crc32(header))
    monkeypatch.setattr('PIL.ImageFile.ImageFile.load', lambda self: pytest.fail('decoded'))
    with pytest.raises(ValueError, match=r'^a\.png: too many pixels .* 179 megapixels: save'):
        read_image(FILES['png'][:8] + chunk + FILES['png'][33:], 'a.png')


def test_a_large_photograph_is_read():
    file = io.BytesIO()
    Image.new('L', (10400, 10400), 77).save(file, 'JPEG', quality=30)
    image = read_image(file.getvalue(), 'a.jpg')
    assert image.size == (10400, 10400) and image.getpixel((9000, 9000)) == (77, 77, 77)
