"""Our numbers are those of torch-fidelity's command line on the same two folders."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from mmfncontra.evaluation.features import FeatureExtractor
from mmfncontra.evaluation.functional.frechet import frechet_distance
from mmfncontra.evaluation.functional.inception_score import inception_score
from mmfncontra.evaluation.functional.kernel_distance import kernel_distance
from mmfncontra.evaluation.functional.precision_recall import precision_recall

SIZE, NUM_GENERATED, NUM_REAL = 32, 10, 8


def _images(num, seed, smooth):
    """Blobs of colour: random images blown up from a few pixels."""
    small = np.random.default_rng(seed).integers(0, 256, (num, smooth, smooth, 3), dtype=np.uint8)
    return np.stack(
        [
            np.asarray(Image.fromarray(i).resize((SIZE, SIZE), Image.Resampling.BICUBIC))
            for i in small
        ]
    )


@pytest.fixture(scope='module')
def sides():
    # The last generated images are copies, so that precision is neither 0 nor 1.
    generated, real = _images(NUM_GENERATED, 0, 3), _images(NUM_REAL, 1, 5)
    generated[-5:] = real[:5]
    return generated, real


@pytest.fixture(scope='module')
def command_line(sides, inception_file, tmp_path_factory):
    from torch_fidelity.fidelity import main

    folders = [tmp_path_factory.mktemp(name) for name in ('generated', 'real')]
    for folder, images in zip(folders, sides, strict=True):
        for i, image in enumerate(images):
            Image.fromarray(image).save(folder / f'{i:03}.png')
    arguments = [
        *('--input1', folders[0], '--input2', folders[1], '--fid', '--kid', '--prc', '--isc'),
        *('--feature-extractor', 'inception-v3-compat', '--kid-subset-size', NUM_REAL),
        *('--feature-extractor-weights-path', inception_file, '--isc-splits', 3),
        *('--cpu', '--json', '--silent', '--no-cache', '--save-cpu-ram'),
    ]
    printed = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', ['fidelity', *map(str, arguments)])
        patch.setattr('builtins.print', lambda *args, **_: printed.extend(args))
        main()
    return json.loads(printed[-1])


@pytest.fixture(scope='module')
def ours(sides, inception_file):
    # The command line's batch: convolutions round differently in others.
    extractor = FeatureExtractor(weights=inception_file, batch_size=64)
    return [extractor(images) for images in sides]


def test_fid(command_line, ours):
    generated, real = (side['features'] for side in ours)
    expected = command_line['frechet_inception_distance']
    assert expected > 0.01
    assert frechet_distance(generated, real) == pytest.approx(expected, rel=1e-6)
    # torch-fidelity's own rounding: square roots of eigenvalues that should be zero.
    assert frechet_distance(generated, real, low_rank=True) == pytest.approx(expected, rel=1e-5)


def test_kid(command_line, ours):
    result = kernel_distance(*(side['features'] for side in ours))
    expected = command_line['kernel_inception_distance_mean']
    assert abs(expected) > 1e-5
    assert result['mean'] == pytest.approx(expected, rel=1e-6)
    expected = command_line['kernel_inception_distance_std']
    assert result['std'] == pytest.approx(expected, rel=1e-6)
    assert result['subset_size'] == NUM_REAL


def test_precision_and_recall(command_line, ours):
    result = precision_recall(*(side['features'] for side in ours))
    assert 0 < result['precision'] < 1
    assert result == pytest.approx({name: command_line[name] for name in result}, rel=1e-6)


def test_inception_score(command_line, ours):
    result = inception_score(ours[0]['logits'], splits=3)
    assert result['mean'] > 1.01
    assert result['mean'] == pytest.approx(command_line['inception_score_mean'], rel=1e-6)
    assert result['std'] == pytest.approx(command_line['inception_score_std'], rel=1e-6)
