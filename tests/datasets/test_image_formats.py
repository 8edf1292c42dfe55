import io
import sys
import types

import numpy as np
import pytest
from PIL import Image, features

from mmfncontra.datasets import image_formats, read_image
from mmfncontra.datasets.image_formats import (
    foreign_content,
    is_hidden,
    is_image,
    readable_formats,
    readable_suffixes,
)

NOISE = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)


def encoded(kind):
    file = io.BytesIO()
    Image.fromarray(NOISE).save(file, kind)
    return file.getvalue()


@pytest.fixture
def forgetful():
    """Formats are looked for anew, before and after."""
    for function in (readable_formats, readable_suffixes):
        function.cache_clear()
    yield
    for function in (readable_formats, readable_suffixes):
        function.cache_clear()


@pytest.mark.parametrize('name', ['a.jpg', 'a.JFIF', 'b/a.Jpe', 'a.tif', 'a.webp', 'a b.png'])
def test_images(name):
    assert is_image(name)


@pytest.mark.parametrize(
    'name', ['.a.png', '@eaDir/1.jpg/THUMB_M.jpg', '__MACOSX/a.png', '#recycle/a.png', '.t/b/a.png']
)
def test_copies_of_systems_are_no_images(name):
    assert is_hidden(name) and not is_image(name)


@pytest.mark.skipif(not features.check('avif'), reason='this Pillow reads no AVIF')
def test_avif_is_read():
    assert is_image('a.avif') and read_image(encoded('AVIF'), 'a.avif').size == (24, 20)


def test_avif_is_left_out_where_pillow_lacks_it(forgetful, monkeypatch):
    monkeypatch.setattr(image_formats.features, 'check', lambda name: False)
    assert 'AVIF' not in readable_formats() and not is_image('a.avif')


def test_heic_is_read_with_pillow_heif(forgetful):
    pytest.importorskip('pillow_heif', reason='needs the extra heif')
    assert is_image('IMG_1.HEIC')
    assert read_image(encoded('HEIF'), 'IMG_1.HEIC').size == (24, 20)


def test_the_extra_is_looked_for(forgetful, monkeypatch):
    def register():
        Image.register_open('HEIF', lambda *_: None)

    monkeypatch.setattr(Image, 'OPEN', dict(Image.OPEN))
    monkeypatch.setattr(Image, 'ID', list(Image.ID))
    package = types.SimpleNamespace(register_heif_opener=register)
    monkeypatch.setitem(sys.modules, 'pillow_heif', package)
    assert is_image('a.heic') and is_image('a.HIF')
    monkeypatch.setitem(sys.modules, 'pillow_heif', None)
    for function in (readable_formats, readable_suffixes):
        function.cache_clear()
    Image.OPEN.pop('HEIF')
    assert not is_image('a.heic')


@pytest.mark.parametrize(
    ('data', 'said'),
    [
        (b'', 'empty'),
        (b'\0\0\0\x18ftypheic\0\0\0\0mif1', 'pip install pillow-heif'),
        (b'\0\0\0\x18ftypavif\0\0\0\0mif1', "pip install 'pillow>=11.3'"),
        (b'version https://git-lfs.github.com/spec/v1\noid sha256:0', 'git lfs pull'),
        (b'\n<!DOCTYPE html><html>', 'web page'),
        (b'<svg xmlns="http://www.w3.org/2000/svg">', 'SVG'),
        (b'nothing', 'not in a known image format'),
    ],
)
def test_other_contents_have_their_remedy(data, said):
    assert said in foreign_content(data)


def test_a_file_of_another_kind_is_named_with_it():
    with pytest.raises(ValueError, match=r'^a\.jpg: .*the file is empty'):
        read_image(b'', 'a.jpg')
