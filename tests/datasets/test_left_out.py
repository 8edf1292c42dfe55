import pytest

from mmfncontra.datasets.left_out import (
    HIDDEN,
    LINKED_FOLDER,
    count_left_out,
    describe_left_out,
    left_out_remedy,
)


def test_files_are_counted_by_kind():
    names = [
        *['1.png', '2.jfif'],
        *['a.CR2', 'b.cr2', 'c.mp4', 'captions.txt', 'README', '.IMG_1.HEIC.icloud', 'd.png.part'],
        *['.trash/3.png', '@eaDir/4.jpg', '._5.jpg', '.git/config', 'Thumbs.db', '.DS_Store'],
    ]
    assert count_left_out(names) == {
        HIDDEN: 3,
        '.cr2': 2,
        '.mp4': 1,
        '.txt': 1,
        'without suffix': 1,
        '.icloud': 1,
        '.part': 1,
    }


@pytest.mark.parametrize(
    ('kind', 'remedy'),
    [
        ('.heic', 'pip install pillow-heif'),
        ('.avif', "pip install 'pillow>=11.3'"),
        ('.gif', 'PNG or JPEG'),
        ('.nef', 'develop'),
        ('.svg', 'draw'),
        ('.mov', 'frames'),
        ('.zip', 'unpack'),
        ('.npz', 'PNG'),
        ('.crdownload', 'download'),
        ('without suffix', 'name them'),
        (LINKED_FOLDER, 'not followed'),
        ('.txt', 'nothing to do'),
    ],
)
def test_each_kind_has_its_remedy(kind, remedy):
    assert remedy in left_out_remedy(kind)


def test_one_line():
    assert describe_left_out({}) == ''
    assert describe_left_out({'.txt': 1}) == '1 other file is left out: 1 .txt'
    line = describe_left_out({'.heic': 6, '.heif': 1, '.mov': 3, '.a\nb': 1}, most=3)
    assert line == (
        '11 other files are left out: 6 .heic, 1 .heif, 3 .mov, 1 kinds more '
        '(pip install pillow-heif to read .heic and .heif)'
    )
    assert '\n' not in describe_left_out({'.a\nb': 1})
