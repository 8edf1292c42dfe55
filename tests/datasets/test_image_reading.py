"""Decoding against what was drawn, resizing against Pillow."""

import io

import numpy as np
import pytest
from PIL import Image

from mmfncontra.datasets import read_image, resize_image

RNG = np.random.default_rng(0)
RED_ON_BLUE = np.zeros((40, 60, 3), np.uint8)
RED_ON_BLUE[..., 2] = 255
RED_ON_BLUE[:20, :30] = (255, 0, 0)


def encode(image, fmt, **kwargs):
    buffer = io.BytesIO()
    image.save(buffer, fmt, **kwargs)
    return buffer.getvalue()


def read(image, fmt, **kwargs):
    result = read_image(encode(image, fmt, **kwargs), 'name')
    assert result.mode == 'RGB'
    return np.array(result)


@pytest.mark.parametrize('fmt, kwargs', [
    ('PNG', {}), ('BMP', {}), ('TIFF', {}), ('TIFF', dict(compression='tiff_lzw')),
    ('WEBP', dict(lossless=True)),
])  # fmt: skip
def test_lossless_formats(fmt, kwargs):
    np.testing.assert_array_equal(read(Image.fromarray(RED_ON_BLUE), fmt, **kwargs), RED_ON_BLUE)


@pytest.mark.parametrize('fmt', ['JPEG', 'WEBP'])
def test_lossy_formats(fmt):
    result = read(Image.fromarray(RED_ON_BLUE), fmt, quality=95).astype(int)
    assert np.abs(result - RED_ON_BLUE).mean() < 4


@pytest.mark.parametrize('fmt', ['JPEG', 'PNG', 'WEBP', 'TIFF'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_orientation(fmt, orientation):
    # What a camera held that way stores: the inverse of the turn the viewer has to make.
    stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }[orientation](RED_ON_BLUE)
    exif = Image.Exif()
    exif[0x0112] = orientation
    kwargs = {} if fmt in ('PNG', 'TIFF') else dict(quality=95)
    result = read(Image.fromarray(np.ascontiguousarray(stored)), fmt, exif=exif, **kwargs)
    assert result.shape == RED_ON_BLUE.shape
    assert np.abs(result.astype(int) - RED_ON_BLUE).mean() < 4


def test_grey_and_bilevel():
    grey = RNG.integers(0, 256, (9, 7), np.uint8)
    np.testing.assert_array_equal(read(Image.fromarray(grey), 'PNG'), np.stack([grey] * 3, -1))
    bits = grey > 127
    expected = np.stack([bits * np.uint8(255)] * 3, -1)
    np.testing.assert_array_equal(read(Image.fromarray(bits), 'PNG'), expected)


@pytest.mark.parametrize('fmt', ['PNG', 'TIFF'])
def test_16_bit_grey_is_scaled_not_clipped(fmt):
    grey = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    result = read(Image.fromarray(grey), fmt)
    np.testing.assert_array_equal(result[..., 0], np.rint(grey / 65535 * 255))
    np.testing.assert_array_equal(result[..., 0], result[..., 2])


def test_16_bit_grey_in_mode_i_of_older_pillow():
    from mmfncontra.datasets.image_reading import to_rgb

    image = Image.fromarray(np.array([[0, 257, 65535]], np.int32))
    image.format = 'PNG'
    assert np.array(to_rgb(image))[0, :, 0].tolist() == [0, 1, 255]


@pytest.mark.parametrize('dtype', [np.int32, np.float32])
def test_32_bit_pixels_are_refused(dtype):
    data = encode(Image.fromarray(np.ones((8, 8), dtype)), 'TIFF')
    with pytest.raises(ValueError, match=r'deep\.tif: .*no fixed range'):
        read_image(data, 'deep.tif')


@pytest.mark.parametrize('mode', ['RGBA', 'LA'])
def test_alpha_is_composited_on_white(mode):
    colour = (200, 100, 50) if mode == 'RGBA' else (120,)
    pixels = np.zeros((1, 3, len(colour) + 1), np.uint8)
    pixels[..., :-1] = colour
    pixels[0, :, -1] = [0, 51, 255]
    result = read(Image.fromarray(pixels, mode), 'PNG')
    alpha = np.array([0, 51, 255])[:, None] / 255
    expected = alpha * np.broadcast_to(colour, (3, 3)) + (1 - alpha) * 255
    assert np.abs(result[0] - expected).max() <= 1


def test_palette_with_and_without_transparency():
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8), 'P')
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    assert read(image, 'PNG')[0].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    white = read(image, 'PNG', transparency=1)
    assert white[0].tolist() == [[255, 0, 0], [255, 255, 255], [0, 0, 255]]
    half = read(image, 'PNG', transparency=bytes([255, 255, 128]))
    assert np.abs(half[0, 2].astype(int) - [127, 127, 255]).max() <= 1


def test_colour_key_of_rgb_and_grey():
    assert read(Image.fromarray(RED_ON_BLUE), 'PNG', transparency=(255, 0, 0))[0, 0].min() == 255
    grey = Image.fromarray(np.array([[7, 8]], np.uint8))
    assert read(grey, 'PNG', transparency=7)[0, :, 0].tolist() == [255, 8]
    deep = Image.fromarray(np.array([[7, 2570]], np.uint16))
    deep.info['transparency'] = 7
    assert read(deep, 'PNG', transparency=7)[0, :, 0].tolist() == [255, 10]


@pytest.mark.parametrize('fmt', ['JPEG', 'TIFF'])
def test_cmyk(fmt):
    cmyk = np.zeros((16, 16, 4), np.uint8)
    cmyk[..., 0] = 255  # full cyan, the opposite of red
    result = read(Image.fromarray(cmyk, 'CMYK'), fmt)
    assert np.abs(result.astype(int) - [0, 255, 255]).max() < 6


@pytest.mark.parametrize('fmt', ['JPEG', 'PNG', 'WEBP', 'BMP', 'TIFF'])
def test_truncated_files_name_the_file(fmt):
    data = encode(Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8)), fmt)
    with pytest.raises(ValueError, match=r'^a/b\.img: '):
        read_image(data[: len(data) // 2], 'a/b.img')


@pytest.mark.parametrize('data', [b'', b'no image', b'\x89PNG\r\n\x1a\n' + b'\0' * 40])
def test_other_contents_name_the_file(data):
    with pytest.raises(ValueError, match=r'^a/b\.png: not a readable image') as error:
        read_image(data, 'a/b.png')
    assert 'BytesIO' not in str(error.value)


def test_decompression_bomb(monkeypatch):
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)
    with pytest.raises(ValueError, match=r'^bomb\.png: too many pixels'):
        read_image(encode(Image.fromarray(RED_ON_BLUE), 'PNG'), 'bomb.png')


@pytest.mark.parametrize('shape', [(96, 64), (64, 96), (64, 64), (97, 64)])
def test_crop_is_the_central_square_resized_by_pillow(shape):
    image = Image.fromarray(RNG.integers(0, 256, (*shape, 3), np.uint8))
    side = min(shape)
    left, top = (shape[1] - side) // 2, (shape[0] - side) // 2
    square = image.crop((left, top, left + side, top + side))
    expected = np.array(square.resize((24, 24), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(resize_image(image, 24), expected)
    np.testing.assert_array_equal(resize_image(np.array(image), 24), expected)


def test_stretch_keeps_the_whole_image():
    image = np.zeros((32, 64, 3), np.uint8)
    image[:, :16] = 255  # outside the central square
    assert resize_image(image, 16, 'stretch')[:, :3].min() > 250
    assert resize_image(image, 16, 'crop').max() == 0


def test_fits_agree_on_squares_and_the_target_size_is_untouched():
    image = RNG.integers(0, 256, (64, 64, 3), np.uint8)
    np.testing.assert_array_equal(resize_image(image, 64), image)
    np.testing.assert_array_equal(resize_image(image, 16), resize_image(image, 16, 'stretch'))


def test_reduction_does_not_alias():
    # Columns alternate black and white: twice as fine as 64 pixels can show. Picking pixels gives
    # black alone or a false pattern; antialiasing gives the mean, which is flat grey.
    image = np.zeros((256, 256, 3), np.uint8)
    image[:, ::2] = 255
    picked = np.array(Image.fromarray(image).resize((64, 64), Image.Resampling.NEAREST))
    assert abs(picked.mean() - 127.5) > 100
    inner = resize_image(image, 64)[:, 2:-2].astype(float)
    assert np.abs(inner - 127.5).max() < 3
    # A chirp: what lies above the new Nyquist frequency is gone, what lies below stays.
    for frequency, remains in [(8, True), (100, False)]:
        wave = np.cos(2 * np.pi * frequency * np.arange(256) / 256)
        chirp = np.repeat(np.broadcast_to(127.5 + 120 * wave, (256, 256))[..., None], 3, -1)
        deviation = resize_image(chirp.astype(np.uint8), 64)[:, 4:-4].std()
        assert (deviation > 70) == remains and (deviation < 4) == (not remains)


@pytest.mark.parametrize('size', [0, -4, 2.5, True, '64'])
def test_bad_size(size):
    with pytest.raises(ValueError, match='size must be a positive integer'):
        resize_image(RED_ON_BLUE, size)


def test_bad_fit_and_bad_array():
    with pytest.raises(ValueError, match=r"fit must be one of .*got 'pad'"):
        resize_image(RED_ON_BLUE, 8, 'pad')
    with pytest.raises(ValueError, match=r'uint8.*float64'):
        resize_image(RED_ON_BLUE / 255, 8)
    with pytest.raises(ValueError, match=r'\(H, W, 3\)'):
        resize_image(RED_ON_BLUE[..., 0], 8)
