import multiprocessing
import pickle
import struct
import zipfile

import pytest
from pictures import write_zip

from mmfncontra.datasets import ImageSource

FILES = ['10.png', '2.PNG', 'b/1.jpeg', 'b/c/03.TIFF', 'b/c/3.tif', 'x.webp', 'y.bmp', 'z.JPG']
OTHERS = ['notes.txt', '.hidden.png', '.cache/1.png', '__MACOSX/2.png', '__MACOSX/._2.PNG', 'png']


@pytest.fixture(params=['folder', 'zip'])
def root(request, tmp_path):
    if request.param == 'zip':
        path = tmp_path / 'images.zip'
        with zipfile.ZipFile(path, 'w') as archive:
            archive.mkdir('b') if hasattr(archive, 'mkdir') else None
            for name in [*reversed(FILES), *OTHERS]:
                archive.writestr(name, name.encode())
        return path
    path = tmp_path / 'images'
    for name in [*reversed(FILES), *OTHERS]:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(name.encode())
    return path


def test_names_and_contents(root):
    source = ImageSource(root)
    assert source.names == [
        '2.PNG', '10.png', 'b/1.jpeg', 'b/c/3.tif', 'b/c/03.TIFF', 'x.webp', 'y.bmp', 'z.JPG',
    ]  # fmt: skip
    assert [source.read(name) for name in source.names] == [n.encode() for n in source.names]


def test_pickles_without_its_handle(root):
    copy = pickle.loads(pickle.dumps(ImageSource(root)))
    assert copy.read('2.PNG') == b'2.PNG'


def _read_all(source, queue):
    queue.put([source.read(name) for name in source.names * 50])


def test_forked_readers_do_not_share_a_file_position(root):
    source = ImageSource(root)
    context = multiprocessing.get_context('fork')
    queue = context.Queue()
    readers = [context.Process(target=_read_all, args=(source, queue)) for _ in range(3)]
    for reader in readers:
        reader.start()
    results = [queue.get(timeout=30) for _ in readers]
    for reader in readers:
        reader.join()
    assert results == [[name.encode() for name in source.names * 50]] * 3


def test_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / '1.png').write_bytes(b'')
    assert ImageSource('~').names == ['1.png']


def test_missing_path_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'gone.*--data FOLDER.*dataset\.data_root'):
        ImageSource(tmp_path / 'gone')


def test_no_images(tmp_path):
    with pytest.raises(ValueError, match=r'no images.*no files at all'):
        ImageSource(tmp_path)
    (tmp_path / 'a.txt').write_text('')
    with pytest.raises(ValueError, match=r'no images.*1 other file is left out: 1 \.txt'):
        ImageSource(tmp_path)


def test_what_is_left_out_is_counted(root):
    assert ImageSource(root).left_out == {'hidden': 4, '.txt': 1, 'without suffix': 1}


def test_links_to_folders_are_counted(tmp_path):
    root = tmp_path / 'images'
    (root / '.hidden').mkdir(parents=True)
    (root / '1.png').write_bytes(b'')
    (tmp_path / 'elsewhere').mkdir()
    (tmp_path / 'elsewhere' / '2.png').write_bytes(b'')
    for link in (root / 'link', root / '.hidden' / 'link'):
        link.symlink_to(tmp_path / 'elsewhere', target_is_directory=True)
    source = ImageSource(root)
    assert source.names == ['1.png'] and source.left_out == {'links to folders': 1}


def test_neither_folder_nor_zip(tmp_path):
    path = tmp_path / 'one.png'
    path.write_bytes(b'PNG')
    with pytest.raises(ValueError, match=r'one\.png.*neither a folder nor a sound zip'):
        ImageSource(path)


def test_truncated_zip(tmp_path):
    path = write_zip(tmp_path / 'a.zip', {'1.png': b'1' * 1000})
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match=r'a\.zip.*sound zip'):
        ImageSource(path)


def test_encrypted_zip(tmp_path):
    path = write_zip(tmp_path / 'a.zip', {'1.png': b'1'})
    data = bytearray(path.read_bytes())
    for magic, flags in ((b'PK\x03\x04', 6), (b'PK\x01\x02', 8)):
        struct.pack_into('<H', data, data.index(magic) + flags, 0x1)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r'a\.zip.*encrypted \(1\.png\).*Unpack'):
        ImageSource(path)


def test_damaged_member_is_named(tmp_path):
    path = write_zip(tmp_path / 'a.zip', {'1.png': b'1' * 100})
    data = path.read_bytes().replace(b'1' * 100, b'1' * 99 + b'2')
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r'^1\.png: cannot be read'):
        ImageSource(path).read('1.png')


def test_oversized_member_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr('mmfncontra.datasets.image_source.MAX_FILE_BYTES', 2**20)
    path = write_zip(tmp_path / 'a.zip', {'1.png': bytes(2**20 + 1)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match=r'^1\.png: .*more than 1 MiB'):
        ImageSource(path).read('1.png')


def test_broken_link_is_named(tmp_path):
    (tmp_path / '1.png').symlink_to(tmp_path / 'gone.png')
    with pytest.raises(ValueError, match=r'^1\.png: cannot be read'):
        ImageSource(tmp_path).read('1.png')
