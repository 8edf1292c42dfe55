import logging
import pickle
import re
from pathlib import Path
from shutil import make_archive

import numpy as np
import pytest
import torch
from commands import CONFIGS
from mmengine.config import Config
from mmengine.dataset import DefaultSampler, InfiniteSampler, RepeatDataset, pseudo_collate
from mmengine.logging import MMLogger
from PIL import Image
from torch.utils.data import DataLoader

from mmfncontra.datasets import FewShotDataset, few_shot_dataset, resize_image
from mmfncontra.registry import DATASETS

SIZES = {
    **dict.fromkeys(['shells', 'skulls', 'moongate', 'flat-colored', 'fauvism-still-life'], 1024),
    **dict.fromkeys(['art-painting', 'pokemon'], 1024),
    'anime-face': 512,
    **dict.fromkeys(['obama', 'grumpy-cat', 'panda', 'bridge-of-sighs', 'medici-fountain'], 256),
    **dict.fromkeys(['temple-of-heaven', 'wuzhen', 'animalface-cat', 'animalface-dog'], 256),
}
PACK = [dict(type='mmfncontra.PackImages')]


def pixels(index, shape=(20, 20)):
    return np.random.default_rng(index).integers(0, 256, (*shape, 3), np.uint8)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / 'images'
    (root / 'sub').mkdir(parents=True)
    for i in range(12):
        Image.fromarray(pixels(i)).save(root / ('sub' if i > 9 else '.') / f'{i}.png')
    return root


@pytest.fixture
def log():
    """The messages of mmengine's current logger."""
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield messages
    logger.removeHandler(handler)


def test_items(folder):
    dataset = FewShotDataset(folder, size=16)
    assert len(dataset) == 12
    for i, item in enumerate(dataset):
        np.testing.assert_array_equal(item['img'], resize_image(pixels(i), 16))
        assert item['sample_idx'] == i and item['img_shape'] == (16, 16)
        assert Path(item['img_path']).is_file() and Path(item['img_path']).stem == str(i)
    assert dataset[-1]['sample_idx'] == 11
    with pytest.raises(IndexError):
        dataset[12]


@pytest.mark.parametrize('cache_mb', [4096, 0])
def test_an_item_is_a_copy(folder, cache_mb):
    dataset = FewShotDataset(folder, size=16, cache_mb=cache_mb)
    dataset[0]['img'][:] = 0
    np.testing.assert_array_equal(dataset[0]['img'], resize_image(pixels(0), 16))


def test_zip_and_folder_agree(folder, tmp_path):
    path = make_archive(tmp_path / 'images', 'zip', folder)
    from_zip, from_folder = FewShotDataset(path, 16), FewShotDataset(folder, 16)
    assert len(from_zip) == len(from_folder)
    for a, b in zip(from_zip, from_folder, strict=True):
        np.testing.assert_array_equal(a['img'], b['img'])
        assert a['img_path'] == b['img_path'].replace(str(folder), str(path))


def test_each_file_is_decoded_once(folder, monkeypatch):
    reads = []
    read_image = few_shot_dataset.read_image
    monkeypatch.setattr(
        few_shot_dataset,
        'read_image',
        lambda data, name: reads.append(name) or read_image(data, name),
    )
    dataset = FewShotDataset(folder, 16)
    _ = [dataset[i] for i in range(12)]
    assert sorted(reads) == sorted(dataset.source.names)


def test_cache_budget(folder, monkeypatch, log):
    # 16·16·3 bytes an image: this budget holds five of twelve.
    small = FewShotDataset(folder, 16, cache_mb=5.5 * 768 / 2**20)
    assert sum('img' in info for info in small.data_list) == 5
    assert '12 images' in log[-1] and '5 of them in memory' in log[-1]
    whole = FewShotDataset(folder, 16)
    assert 'all in memory' in log[-1]
    for a, b in zip(small, whole, strict=True):
        np.testing.assert_array_equal(a['img'], b['img'])


def test_what_is_lost_is_one_line(folder, log):
    FewShotDataset(folder, 16)
    assert 'check-data' not in ' '.join(log)
    for name in ('a.HEIC', 'b.gif', 'c.gif', '.d.png'):
        (folder / name).write_bytes(b'')
    Image.fromarray(pixels(0)).save(folder / 'same.bmp')
    for i in range(2):
        Image.fromarray(pixels(i) // 16).save(folder / f'dark{i}.png')
    log.clear()
    FewShotDataset(folder, 16, cache_mb=0)
    (line,) = [message for message in log if 'check-data' in message]
    assert re.match(r'\d other files are left out: 2 \.gif, ', line) and '1 hidden' in line
    assert 'of the images at 16×16 2 are nearly black, 1 repeats another' in line
    assert line.endswith(f'mmfncontra check-data {folder}') and '\n' not in line


def test_odd_names_stay_on_their_line(folder, log):
    odd = folder.rename(folder.with_name('a\nb c'))
    (odd / 'x.gif').write_bytes(b'')
    FewShotDataset(odd, 16)
    assert '\n' not in ''.join(log) and log[-1].endswith(r"/a\x0ab c'")


def test_fit(tmp_path):
    image = pixels(0, (20, 40))
    Image.fromarray(image).save(tmp_path / 'wide.png')
    for fit in ('crop', 'stretch'):
        item = FewShotDataset(tmp_path, 16, fit=fit)[0]
        np.testing.assert_array_equal(item['img'], resize_image(image, 16, fit))


def test_mmengine_features(folder, log):
    assert len(FewShotDataset(folder, 16, indices=3)) == 3
    assert log[-1].startswith('3 images') and 'all in memory' in log[-1]
    listed = FewShotDataset(folder, 16, indices=[7, 2])
    assert [Path(item['img_path']).name for item in listed] == ['7.png', '2.png']
    lazy = FewShotDataset(folder, 16, lazy_init=True, metainfo=dict(subject='noise'))
    assert lazy.metainfo['subject'] == 'noise' and lazy.metainfo['dataset_type'] == 'few_shot'
    assert not lazy._fully_initialized and len(lazy) == 12
    assert len(RepeatDataset(lazy, times=3)) == 36
    np.testing.assert_array_equal(lazy.get_subset([4])[0]['img'], lazy[4]['img'])


def test_pickle(folder):
    dataset = FewShotDataset(folder, 16, cache_mb=0.002, pipeline=PACK)
    copy = pickle.loads(pickle.dumps(dataset))
    for a, b in zip(dataset, copy, strict=True):
        torch.testing.assert_close(a['inputs'], b['inputs'])


def test_workers_read_a_zip_at_once(folder, tmp_path):
    path = make_archive(tmp_path / 'images', 'zip', folder)
    dataset = FewShotDataset(path, 16, pipeline=PACK, cache_mb=0)
    loader = DataLoader(
        dataset, 2, sampler=DefaultSampler(dataset, shuffle=False), num_workers=2,
        collate_fn=pseudo_collate,
    )  # fmt: skip
    images = [image for batch in loader for image in batch['inputs']]
    assert len(images) == 12
    for i, image in enumerate(images):
        np.testing.assert_array_equal(image.permute(1, 2, 0), resize_image(pixels(i), 16))


def test_batches_of_fewer_images_than_their_size(folder):
    dataset = FewShotDataset(folder, 16, indices=3, pipeline=PACK)
    sampler = InfiniteSampler(dataset, shuffle=True, seed=0)
    batches = iter(DataLoader(dataset, 8, sampler=sampler, collate_fn=pseudo_collate))
    assert [len(next(batches)['inputs']) for _ in range(3)] == [8, 8, 8]


def test_one_image_is_enough(tmp_path):
    Image.fromarray(pixels(0)).save(tmp_path / 'only.jpg')
    assert len(FewShotDataset(tmp_path, 16)) == 1


@pytest.fixture
def damaged(folder):
    (folder / '3.png').write_bytes((folder / '3.png').read_bytes()[:300])
    (folder / 'sub' / 'text.jpg').write_text('no image')
    Image.fromarray(pixels(0, (30, 8))).save(folder / 'small.png')
    return folder


def test_bad_images_are_named_before_training(damaged):
    with pytest.raises(ValueError) as error:
        FewShotDataset(damaged, 16)
    message = str(error.value)
    assert message.startswith(f'3 of 14 images in {damaged} cannot be used')
    assert re.search(r'\n  3\.png: not a readable image', message)
    assert re.search(r'\n  sub/text\.jpg: not a readable image', message)
    assert '\n  small.png: 8×30 pixels, smaller than size=16' in message
    assert "on_bad_image='skip'" in message and 'allow_upscale=True' in message


def test_skip_warns_and_goes_on(damaged, log):
    dataset = FewShotDataset(damaged, 16, on_bad_image='skip')
    assert len(dataset) == 11
    assert not {'3.png', 'text.jpg', 'small.png'} & {Path(i['img_path']).name for i in dataset}
    warning = next(message for message in log if 'skipped' in message)
    assert '3.png' in warning and 'small.png' in warning and '11 remain' in warning


def test_nothing_left_after_skipping(tmp_path):
    for i in range(12):
        (tmp_path / f'{i}.png').write_text('no image')
    with pytest.raises(ValueError, match=r'12 of 12 images') as error:
        FewShotDataset(tmp_path, 16, on_bad_image='skip')
    assert 'and 2 more' in str(error.value) and "on_bad_image='skip'" not in str(error.value)


def test_upscaling_is_asked_for(tmp_path):
    Image.fromarray(pixels(0, (8, 8))).save(tmp_path / 'small.png')
    with pytest.raises(ValueError, match=r'small\.png: 8×8'):
        FewShotDataset(tmp_path, 16)
    assert FewShotDataset(tmp_path, 16, allow_upscale=True)[0]['img'].shape == (16, 16, 3)


def test_folders_are_classes(tmp_path):
    for name in ('a/1', 'a/2', 'b/x/1', 'c10/1', 'c9/1'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(0)).save(tmp_path / f'{name}.png')
    dataset = FewShotDataset(tmp_path, size=8, num_classes=4)
    found = [dataset[i] for i in range(len(dataset))]
    classes = {Path(item['img_path']).relative_to(tmp_path).parts[0]: item['labels']
               for item in found}  # fmt: skip
    assert classes == dict(a=0, b=1, c9=2, c10=3) and len(found) == 5
    pack = [dict(type='mmfncontra.PackImages', extra_keys=['labels'])]
    packed = FewShotDataset(tmp_path, size=8, num_classes=4, pipeline=pack)[4]
    assert packed['labels'].item() == 3 and packed['labels'].ndim == 0
    assert 'labels' not in FewShotDataset(tmp_path, size=8)[0]
    with pytest.raises(ValueError, match=r'num_classes=3 needs as many folders .* got 4 \(a, b, '):
        FewShotDataset(tmp_path, size=8, num_classes=3)
    Image.fromarray(pixels(0)).save(tmp_path / 'stray.png')
    with pytest.raises(ValueError, match='and 1 images outside of folders'):
        FewShotDataset(tmp_path, size=8, num_classes=4)


def test_missing_data(tmp_path):
    with pytest.raises(ValueError, match=r'got None.*--data FOLDER.*dataset\.data_root'):
        FewShotDataset()
    with pytest.raises(FileNotFoundError, match='gone'):
        FewShotDataset(tmp_path / 'gone')
    with pytest.raises(ValueError, match='no images'):
        FewShotDataset(tmp_path)


@pytest.mark.parametrize('argument, value', [
    ('size', 0), ('fit', 'pad'), ('on_bad_image', 'ignore'), ('cache_mb', -1),
    ('cache_mb', float('nan')), ('cache_mb', '1G'),
])  # fmt: skip
def test_arguments_are_checked(folder, argument, value):
    with pytest.raises(ValueError, match=f'{argument} must be .*got {value!r}'):
        FewShotDataset(folder, **{argument: value})


@pytest.mark.parametrize('name', SIZES)
def test_configs_build(name, folder, default_scope):
    cfg = Config.fromfile(CONFIGS / f'_base_/datasets/{name}.py').train_dataloader
    assert cfg.batch_size == 8 and cfg.sampler == dict(type='InfiniteSampler', shuffle=True)
    assert cfg.dataset.data_root == f'data/{name}' and cfg.dataset.size == SIZES[name]
    dataset = DATASETS.build({**cfg.dataset, 'data_root': str(folder), 'size': 16})
    item = dataset[0]
    assert list(item) == ['inputs'] and item['inputs'].shape == (3, 16, 16)


def test_every_config_is_tested():
    names = {path.stem for path in (CONFIGS / '_base_/datasets').glob('*.py')}
    assert names == {*SIZES, 'few_shot', 'folder', 'procedural_shells'}


def test_folder_config_asks_for_a_folder(default_scope):
    cfg = Config.fromfile(CONFIGS / '_base_/datasets/folder.py').train_dataloader.dataset
    with pytest.raises(ValueError, match='--data FOLDER'):
        DATASETS.build(cfg)


def test_procedural_config_needs_no_files(default_scope):
    cfg = Config.fromfile(CONFIGS / '_base_/datasets/procedural_shells.py').train_dataloader.dataset
    dataset = DATASETS.build({**cfg, 'num_images': 2, 'size': 32})
    assert dataset[1]['inputs'].shape == (3, 32, 32)


def test_flips_come_from_the_pipeline(folder, default_scope):
    cfg = Config.fromfile(CONFIGS / '_base_/datasets/folder.py').train_dataloader.dataset
    dataset = DATASETS.build({**cfg, 'data_root': str(folder), 'size': 16})
    upright = torch.tensor(resize_image(pixels(0), 16)).permute(2, 0, 1)
    np.random.seed(0)
    seen = [torch.equal(dataset[0]['inputs'], upright) for _ in range(40)]
    assert 8 < sum(seen) < 32
    assert any(torch.equal(dataset[0]['inputs'], upright.flip(-1)) for _ in range(20))


def test_photographs(photographs):
    root = photographs / 'hats'
    dataset = FewShotDataset(root, size=64, pipeline=PACK)
    files = sorted(root.glob('*.jpg'))
    assert len(dataset) == len(files) == 149
    with Image.open(files[7]) as image:
        expected = np.array(image.resize((64, 64), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(dataset[7]['inputs'].permute(1, 2, 0), expected)
    native = FewShotDataset(root, size=256, indices=1)[0]['img']
    np.testing.assert_array_equal(native, np.array(Image.open(files[0])))
    # Reducing keeps the mean of a photograph.
    assert abs(dataset[0]['inputs'].float().mean() - native.mean()) < 1
