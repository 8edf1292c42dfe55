import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from mmfncontra.apis.data_check.duplicates import find_duplicates
from mmfncontra.apis.data_check.flip_safety import judge_flips, texture_histograms
from mmfncontra.apis.data_check.inspection import (
    find_classes,
    fitting_size,
    inspect_image,
    inspect_images,
)
from mmfncontra.datasets import ImageSource, ProceduralShells


def scene(seed, size=128):
    """Ellipses and quadrangles anywhere: no left and no right."""
    rng = np.random.default_rng(seed)
    image = Image.new('RGB', (size, size), 'white')
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        corners = [tuple(int(v) for v in rng.integers(-5, size, 2)) for _ in range(4)]
        draw.polygon(corners, fill=tuple(int(v) for v in rng.integers(0, 255, 3)))
    return image


def page(seed, size=128):
    """Words anywhere."""
    rng = np.random.default_rng(seed)
    image = Image.new('RGB', (size, size), 'white')
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        word = ''.join(rng.choice(list('abcdefghijklmnopqrstuvwxyzBCDEFGKLPRS'), 6))
        place = tuple(int(v) for v in rng.integers(-5, size - 20, 2))
        draw.text(place, word, fill='black', font=ImageFont.load_default(int(rng.integers(10, 24))))
    return image


def encoded(image, kind='PNG', **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def inspected(images):
    return [inspect_image(encoded(image), f'{i}.png') for i, image in enumerate(images)]


def duplicates(facts):
    return find_duplicates([f.digest for f in facts], np.stack([f.thumbnail for f in facts]))


def flips(facts):
    thumbnails, textures = (
        np.stack([getattr(f, key) for f in facts]) for key in ('thumbnail', 'textures')
    )
    return judge_flips(thumbnails, textures)


@pytest.mark.parametrize(
    ('image', 'options', 'mode', 'has_alpha'),
    [
        (Image.new('RGB', (9, 5)), {}, 'RGB', False),
        (Image.new('RGBA', (9, 5)), {}, 'RGBA', True),
        (Image.new('L', (9, 5)), {}, 'L', False),
        (Image.new('P', (9, 5)), {}, 'P', False),
        (Image.new('P', (9, 5)), dict(transparency=0), 'P', True),
        (Image.new('CMYK', (9, 5)), dict(kind='TIFF'), 'CMYK', False),
        (Image.fromarray(np.full((5, 9), 40000, np.uint16)), {}, '16-bit', False),
    ],
)
def test_colour_modes(image, options, mode, has_alpha):
    facts = inspect_image(encoded(image, **options), 'a.png')
    assert (facts.mode, facts.has_alpha, facts.error) == (mode, has_alpha, '')
    assert (facts.width, facts.height, facts.side, facts.aspect) == (9, 5, 5, 1.8)
    assert facts.format == options.get('kind', 'PNG') and not facts.is_rotated


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'TIFF', 'WEBP'])
def test_rotation_counts_before_the_size(kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    facts = inspect_image(encoded(Image.new('RGB', (9, 5)), kind, exif=exif), 'a')
    assert facts.is_rotated and (facts.width, facts.height) == (5, 9)


def test_broken_files_have_a_reason(tmp_path):
    (tmp_path / 'a.png').write_bytes(encoded(scene(0))[:200])
    (tmp_path / 'b.png').write_bytes(b'no image')
    scene(1).save(tmp_path / 'c.png')
    a, b, c = inspect_images(ImageSource(tmp_path))
    assert a.error.startswith('a.png: not a readable image') and 'known image format' in b.error
    assert c.error == '' and c.name == 'c.png'


@pytest.mark.parametrize('side', [1, 2, 3, 7, 40])
def test_tiny_images(side):
    facts = inspect_image(encoded(Image.new('RGB', (side, side + 2))), 'a.png')
    assert facts.error == '' and facts.side == side and facts.thumbnail.shape == (64, 64, 3)


def test_an_image_is_decoded_once(monkeypatch):
    decoded = []
    decoder = Image._getdecoder

    def counted(*args, **kwargs):
        decoded.append(args[1])
        return decoder(*args, **kwargs)

    monkeypatch.setattr(Image, '_getdecoder', counted)
    inspect_image(encoded(scene(0, 300)), 'a.png')
    assert decoded.count('zip') == 1


def test_classes():
    assert find_classes(['a/1', 'b/1', 'b/x/2']) == {'a': 1, 'b': 2}
    assert find_classes(['img/1', 'img/2']) == {} and find_classes(['a/1', 'b/1', '2']) == {}


@pytest.mark.parametrize(
    ('sides', 'size'),
    [([256] * 95 + [200] * 5, 256), ([256] * 94 + [200] * 6, 128), ([20], 64), ([5000], 1024)],
)
def test_fitting_size(sides, size):
    assert fitting_size(sides, (64, 128, 256, 512, 1024)) == size


def test_fitting_size_says_what_is_wrong():
    with pytest.raises(ValueError, match='must not be empty, got 0 and 1'):
        fitting_size([], (64,))
    with pytest.raises(ValueError, match=r'share must be in \(0, 1\], got 0'):
        fitting_size([64], (64,), share=0)


def test_duplicates_of_each_kind():
    images = [scene(seed) for seed in range(8)]
    jpeg = inspect_image(encoded(images[2], 'JPEG', quality=30), 'jpeg')
    others = [
        inspect_image(encoded(images[0], 'BMP'), 'bmp'),
        inspect_image(encoded(ImageEnhance.Brightness(images[1]).enhance(1.1)), 'brighter'),
        jpeg,
        inspect_image(encoded(images[2].resize((90, 90))), 'smaller'),
        inspect_image(encoded(images[3].transpose(Image.Transpose.FLIP_LEFT_RIGHT)), 'mirrored'),
    ]
    found = duplicates([*inspected(images), *others])
    assert found.exact == [[0, 8]]
    assert found.near == [[1, 9], [2, 10, 11]]
    assert found.mirrored == [[3, 12]]
    assert found.unique == [0, 1, 2, 3, 4, 5, 6, 7, 12]


def test_other_colours_are_another_picture():
    image = scene(0)
    recoloured = Image.merge('RGB', image.split()[::-1])
    assert duplicates(inspected([image, recoloured])).near == []


def test_plain_images_are_no_near_duplicates():
    plain = [Image.new('RGB', (64, 64), colour) for colour in ('black', 'white', 'white')]
    found = duplicates(inspected(plain))
    assert found.exact == [[1, 2]] and found.near == [] and found.mirrored == []


def test_texture_of_a_mirrored_image_is_the_mirrored_texture():
    from mmfncontra.apis.data_check.flip_safety import _MIRRORED_CODES

    image = np.asarray(page(0))
    plain, mirrored = texture_histograms(image), texture_histograms(image[:, ::-1])
    np.testing.assert_allclose(mirrored, plain[:, _MIRRORED_CODES], atol=1e-7)
    np.testing.assert_allclose(plain.sum(axis=1), 1, rtol=1e-5)


def test_texture_against_a_plain_loop():
    image = np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8)
    grey = image.mean(axis=2)
    counts = np.zeros(256)
    around = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]
    for y in range(1, 7):
        for x in range(1, 8):
            changes = [grey[y + dy, x + dx] - grey[y, x] for dy, dx in around]
            if max(map(abs, changes)) > 8:
                counts[sum((change > 8) << bit for bit, change in enumerate(changes))] += 1
    np.testing.assert_allclose(texture_histograms(image)[0], counts / counts.sum(), rtol=1e-6)


@pytest.mark.parametrize('start', [0, 100, 200])
def test_flips_of_scenes_are_safe(start):
    verdict = flips(inspected([scene(start + seed) for seed in range(30)]))
    assert verdict.verdict == 'safe', verdict


def test_flips_of_letters_are_doubtful():
    verdict = flips(inspected([page(seed) for seed in range(24)]))
    assert verdict.verdict == 'doubtful' and 'letters' in verdict.reason
    assert verdict.texture_share > 0.08 and verdict.texture_p < 0.02


def test_flips_of_pages_and_mirrored_pages_are_safe():
    pages = [page(seed) for seed in range(24)]
    pages[::2] = [p.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for p in pages[::2]]
    assert flips(inspected(pages)).verdict == 'safe'


def test_flips_of_shells_that_coil_one_way_are_doubtful():
    shells = ProceduralShells(num_images=32, size=64)
    images = [Image.fromarray(shells[i]['img']) for i in range(32)]
    verdict = flips(inspected(images))
    assert verdict.verdict == 'doubtful' and 'face the same way' in verdict.reason
    assert verdict.layout_ratio > 1.05


def test_few_images_give_no_verdict():
    verdict = flips(inspected([scene(seed) for seed in range(5)]))
    assert verdict.verdict == 'doubtful' and '5 different images are too few' in verdict.reason


def test_counts_must_agree():
    with pytest.raises(ValueError, match='got 1 and 2'):
        find_duplicates(['a'], np.zeros((2, 64, 64, 3), np.uint8))
    with pytest.raises(ValueError, match='got 1 and 2'):
        judge_flips(np.zeros((1, 64, 64, 3), np.uint8), np.zeros((2, 3, 256), np.float32))


@pytest.mark.parametrize('name', ['hats', 'shoes'])
def test_photographs(photographs, name):
    facts = inspect_images(ImageSource(photographs / name))
    found = duplicates(facts)
    assert found.exact == found.near == found.mirrored == []
    assert flips(facts).verdict == 'safe'
