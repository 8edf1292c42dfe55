import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.model import ImgDataPreprocessor
from PIL import Image
from seeds import check_draws_follow_the_seed

from mmfncontra.compat.prepare_mmagic import prepare_mmagic
from mmfncontra.datasets import FewShotDataset, ProceduralShells
from mmfncontra.engine.loaders.device_images import DeviceImages, image_bytes, what_prevents

CPU = torch.device('cpu')
FLIP = dict(type='mmcv.RandomFlip', prob=0.5, direction='horizontal')
PACK = dict(type='mmfncontra.PackImages')


@pytest.fixture
def folder(tmp_path):
    """Three classes of two images each, noise."""
    rng = np.random.default_rng(0)
    for i in range(6):
        path = tmp_path / f'class{i // 2}' / f'{i}.png'
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
    return tmp_path


def few_shot(folder, *pipeline, **kwargs):
    return FewShotDataset(folder, 16, pipeline=pipeline, **kwargs)


def stacked(dataset, key='inputs'):
    return torch.stack([dataset[i][key] for i in range(len(dataset))])


@pytest.mark.parametrize('cache_mb', [4096, 0])
def test_images_are_the_data_sets(folder, cache_mb):
    dataset = few_shot(folder, PACK, cache_mb=cache_mb)
    images = DeviceImages(dataset, CPU)
    indices = torch.tensor([5, 0, 0, 3])
    batch = images.batch(indices)
    assert list(batch) == ['inputs'] and batch['inputs'].dtype == torch.uint8
    assert torch.equal(batch['inputs'], stacked(dataset)[indices])
    assert image_bytes(dataset) == images.tensors['inputs'].numel()


def test_shells_and_a_part_of_them():
    dataset = ProceduralShells(3, 16, pipeline=[PACK], indices=[2, 0])
    assert torch.equal(
        DeviceImages(dataset, CPU).batch(torch.arange(2))['inputs'], stacked(dataset)
    )


def test_labels_go_with_their_images(folder):
    pack = dict(type='mmfncontra.PackImages', extra_keys=['labels', 'sample_idx'])
    dataset = few_shot(folder, FLIP, pack, num_classes=3)
    indices = torch.tensor([4, 1, 2, 4])
    batch = DeviceImages(dataset, CPU).batch(indices)
    assert batch['labels'].tolist() == [2, 0, 1, 2] and batch['labels'].dtype == torch.int64
    assert torch.equal(batch['sample_idx'], indices)


def test_half_of_the_images_are_mirrored_exactly(folder):
    images = DeviceImages(few_shot(folder, FLIP, PACK), CPU)
    plain = stacked(few_shot(folder, PACK))
    indices = torch.randint(6, (4000,))
    batch = images.batch(indices)['inputs']
    mirrored = (batch == plain.flip(-1)[indices]).flatten(1).all(1)
    kept = (batch == plain[indices]).flatten(1).all(1)
    assert torch.equal(mirrored, ~kept)
    assert mirrored.float().mean() == pytest.approx(0.5, abs=0.04)  # 5 standard deviations
    for index in range(6):  # not a choice made once for an image
        assert 0.3 < mirrored[indices == index].float().mean() < 0.7


@pytest.mark.parametrize(
    ('flips', 'prob'),
    [
        ([], 0),
        ([dict(FLIP, prob=1.0)], 1),
        ([dict(FLIP, prob=[0.2], direction=['horizontal'])], 0.2),
        ([dict(FLIP, prob=0.3), dict(FLIP, prob=0.2)], 0.3 * 0.8 + 0.7 * 0.2),
        ([dict(FLIP, prob=1.0), dict(FLIP, prob=1.0)], 0),
    ],
)
def test_probability(flips, prob, folder):
    assert DeviceImages(few_shot(folder, *flips, PACK), CPU).flip_prob == pytest.approx(prob)


def test_the_draw_is_torchs(folder):
    images = DeviceImages(few_shot(folder, FLIP, PACK), CPU)
    indices = torch.arange(6).repeat(5)
    check_draws_follow_the_seed(lambda indices: images.batch(indices)['inputs'], indices)


def test_preprocessors_make_of_a_batch_what_they_make_of_a_list(folder):
    prepare_mmagic()
    from mmagic.models.data_preprocessors import DataPreprocessor

    images = DeviceImages(few_shot(folder, PACK), CPU)
    batch = images.batch(torch.arange(4))
    for preprocessor in (ImgDataPreprocessor([127.5] * 3, [127.5] * 3), DataPreprocessor()):
        one = preprocessor(dict(batch), True)['inputs']
        other = preprocessor(dict(inputs=list(batch['inputs'])), True)['inputs']
        assert one.dtype == torch.float32 and torch.equal(one, other)
        assert one.min() >= -1 and one.max() <= 1


class Blur(BaseTransform):
    def transform(self, results):
        return results


@pytest.mark.parametrize(
    ('pipeline', 'reason'),
    [
        ([FLIP], 'the last transform of the pipeline is not PackImages'),
        ([FLIP, Blur(), PACK], 'the transform Blur works on one image at a time'),
        ([dict(FLIP, direction='vertical'), PACK], r"RandomFlip flips 'vertical', not only"),
        ([dict(PACK, extra_keys=['img_path'])], r"PackImages\(key='img', extra_keys=\('img_path',"),
    ],
)
def test_refuses_other_pipelines(pipeline, reason, folder):
    with pytest.raises(ValueError, match=f'cannot be kept on the device: .*{reason}'):
        DeviceImages(few_shot(folder, *pipeline), CPU)


def test_refuses_other_data_sets():
    assert 'they are of a list, not of FewShotDataset' in what_prevents([1, 2])
