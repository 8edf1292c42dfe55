import os

import numpy as np
import pytest
from bad_input import check, complaint
from pictures import write_images, write_zip
from PIL import Image


def _zip(path, **files):
    write_zip(path, {name.replace('_', '.'): content for name, content in files.items()})


def _encrypted(path):
    _zip(path, a_png=(path.parent / 'images' / '0.png').read_bytes())
    raw = bytearray(path.read_bytes())
    raw[raw.find(b'PK\x03\x04') + 6] |= 1  # the flag of an encrypted entry, twice
    raw[raw.find(b'PK\x01\x02') + 8] |= 1
    path.write_bytes(raw)


def _files(**files):
    def make(path):
        path.mkdir()
        for name, content in files.items():
            (path / name.replace('_', '.')).write_bytes(content)

    return make


def _image(name, **keywords):
    def make(path):
        write_images(path, 2)
        keywords.setdefault('size', (64, 64))
        Image.new(keywords.pop('mode', 'RGB'), **keywords).save(path / name)

    return make


def _dangling(path):
    write_images(path, 2)
    os.symlink('nowhere', path / 'lost.png')


def _cut(path):
    write_images(path, 2)
    whole = (path / '0.png').read_bytes()
    (path / 'cut.png').write_bytes(whole[: len(whole) // 2])


def _link_to_itself(path):
    os.symlink(path.name, path)


# Name, how it is made, culprit, remedy.
DATA = [
    ('nowhere', lambda path: None, r'--data nowhere', 'there is no folder or zip'),
    ('empty', lambda path: path.mkdir(), "'empty'", r'end in \.jpg'),
    (
        'texts',
        _files(a_txt=b'x', b_csv=b'y'),
        "'texts'.*2 other files are left out",
        r'end in \.jpg',
    ),
    ('text.zip', lambda path: path.write_text('no zip'), r'text\.zip', 'folder|zip'),
    ('one.png', lambda path: Image.new('RGB', (64, 64)).save(path), r'one\.png', 'folder|zip'),
    ('empty.zip', lambda path: path.write_bytes(b''), r'empty\.zip', 'folder|zip'),
    ('folders.zip', lambda path: _zip(path, **{'a/': ''}), r'folders\.zip', r'end in \.jpg'),
    ('cut.zip', lambda path: path.write_bytes(b'PK\x03\x04 and no more'), r'cut\.zip', 'zip'),
    ('locked.zip', _encrypted, r'locked\.zip.*encrypted', 'Unpack it and name the folder'),
    ('broken', _files(a_png=b'no image'), r'a\.png', '[Rr]epair or remove'),
    ('partly', _cut, r'cut\.png', "on_bad_image='?skip"),
    ('wrong', _image('small.png', size=(32, 32)), r'small\.png.*32×32', 'allow_upscale|lower size'),
    ('tiny', _image('tiny.png', size=(1, 1)), r'tiny\.png.*1×1', 'allow_upscale|lower size'),
    ('float', _image('f.tif', mode='F'), r'f\.tif', '8 or 16 bits'),
    ('link', _dangling, r'lost\.png', "on_bad_image='?skip|[Rr]epair"),
    ('loop', _link_to_itself, r'loop', 'there is no folder or zip|data_root'),
]


@pytest.mark.parametrize(('name', 'make', 'culprit', 'remedy'), DATA, ids=[row[0] for row in DATA])
def test_refused(start, place, name, make, culprit, remedy):
    make(place / name)
    check(complaint(start, data=name), culprit, remedy)


@pytest.mark.skipif(os.geteuid() == 0, reason='root reads everything')
def test_no_permission(start, place):
    (place / 'images').chmod(0)
    try:
        check(complaint(start, data='images'), 'images', 'ermission')
    finally:
        (place / 'images').chmod(0o755)


def test_a_config_without_a_folder(start):
    text = 'train_dataloader = dict(dataset=dict(data_root=None))'
    check(complaint(start, text), r'dataset\.data_root', '--data FOLDER')


def test_a_config_whose_folder_is_missing(start):
    text = "train_dataloader = dict(dataset=dict(data_root='data/moons'))"
    check(complaint(start, text), 'data/moons', '--data FOLDER')


CLASSES = (
    'model = dict(generator=dict(num_classes=2), discriminator=dict(num_classes=2))\n'
    'train_dataloader = dict(dataset=dict(num_classes=2{}))'
)


def test_classes_without_labels(start):
    said = complaint(start, CLASSES.format(''))
    check(said, r'dataset\.pipeline', r"PackImages', extra_keys=\['labels'\]")


@pytest.mark.parametrize('folders', [(), ('a',), ('a', 'b', 'c')])
def test_folders_that_are_no_classes(start, place, folders):
    from mmfncontra.datasets import FewShotDataset

    for folder in folders:
        write_images(place / 'classes' / folder)
    if not folders:
        write_images(place / 'classes')
    said = complaint(FewShotDataset, data_root='classes', size=64, num_classes=2)
    check(said, f'classes, got {len(folders)}', 'num_classes=2 needs as many folders')


@pytest.mark.parametrize('mode', ['1', 'L', 'LA', 'P', 'RGBA', 'CMYK', 'I;16'])
def test_other_modes_are_taken(start, place, mode):
    write_images(place / 'mixed', 2)
    suffix = 'tif' if mode == 'CMYK' else 'png'
    if mode == 'I;16':
        image = Image.fromarray(np.zeros((64, 64), np.uint16))
    else:
        image = Image.new(mode, (64, 64))
    image.save(place / 'mixed' / f'x.{suffix}')
    from mmfncontra.datasets import FewShotDataset

    assert len(FewShotDataset(data_root='mixed', size=64)) == 3
