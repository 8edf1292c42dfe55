import pytest

from mmfncontra.config.source import check_source


@pytest.mark.parametrize(
    'text',
    [
        "'''A docstring.'''\n# née\n_base_ = ['a.py', 'b.py']\nimport os\n",
        'lr = 1e-3\n_base_ = "a.py"\n',
        'model = dict(\n',  # what is wrong with it is for the reader to say
        'from mmengine.config import read_base\nwith read_base():\n    from .a import *\n',
        '',
    ],
)
def test_what_mmengine_reads_is_taken(tmp_path, text):
    path = tmp_path / 'a.py'
    path.write_text(text, encoding='utf-8')
    check_source(path)


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        ('_base_ = "a.py"\n'.encode('utf-8-sig'), 'byte order mark .*without BOM$'),
        ('_base_ = "a.py"\n'.encode('utf-16'), 'in UTF-16, .*save it as plain UTF-8'),
        ('_base_ = "a.py"\n'.encode('utf-16-be'), 'in UTF-16, .*save it as plain UTF-8'),
        ('# -*- coding: latin-1 -*-\nx = "née"\n'.encode('latin-1'), '0xe9 as in line 2'),
        (b'\n\nfrom pathlib import Path\n_base_ = "a.py"', r'line 4: .* import of line 3: put _ba'),
        (b'_base_ = ["a" + ".py"]', 'line 1: .*write the paths out'),
        (b'_base_ += ["a.py"]', 'line 1: .*as the first line'),
        (b'for _ in "a":\n    _base_ = "a.py"', 'line 2: .*as the first line'),
    ],
)
def test_what_it_misreads_is_answered(tmp_path, content, said):
    path = tmp_path / 'a.py'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=said):
        check_source(path)
