"""Data, probe and table of projects/ssl."""

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from ssl_models import SSL, build_ssl_model, ssl_config


@pytest.mark.parametrize('split', ['train', 'test'])
def test_digits_are_always_the_same(split):
    from sklearn.datasets import load_digits

    from projects.ssl import Digits

    one, two = (Digits(split=split, size=8) for _ in range(2))
    assert len(one) == dict(train=1198, test=599)[split]
    assert all(np.array_equal(a['img'], b['img']) for a, b in zip(one, two, strict=True))
    images, labels = load_digits(return_X_y=True)
    known = {x.astype(int).tobytes(): y for x, y in zip(images, labels, strict=True)}
    for sample in one:
        grey = np.ceil(sample['img'][..., 0].astype(int) * 16 / 255).astype(int)
        assert known[grey.ravel().tobytes()] == sample['gt_label']


def test_test_images_are_not_trained_on():
    from projects.ssl import Digits

    train, test = (
        [sample['img'].tobytes() for sample in Digits(split=split, size=8)]
        for split in ('train', 'test')
    )
    assert not set(train) & set(test)
    train, test = (
        (SSL / 'splits' / f'hats_shoes_{split}.txt').read_text().splitlines()
        for split in ('train', 'test')
    )
    assert (len(train), len(test)) == (297, 149)
    assert len({*train, *test}) == 446
    assert {line.split('/')[0] + line[-2:] for line in train + test} == {'hats 0', 'shoes 1'}


def test_digits_refuse_another_split():
    from projects.ssl import Digits

    with pytest.raises(ValueError, match=r"split must be one of .*, got 'val'"):
        Digits(split='val')


def test_probe_tells_separable_classes_apart():
    from projects.ssl import linear_probe

    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=300)
    # Scales that differ by a million: the probe standardises.
    scales = np.array([1e-3, 1.0, 1e3, 1.0])
    features = (np.eye(4)[labels] * 10 + rng.normal(size=(300, 4))) * scales
    assert linear_probe((features[:200], labels[:200]), (features[200:], labels[200:])) == 1.0
    noise = rng.normal(size=(300, 4))
    assert linear_probe((noise[:200], labels[:200]), (noise[200:], labels[200:])) < 0.5


def test_features_are_those_of_the_backbone_in_evaluation_mode():
    from mmpretrain.registry import DATASETS

    from projects.ssl import extract_features

    cfg = ssl_config('simclr_digits')
    model = build_ssl_model(dict(cfg.model, data_preprocessor=cfg.data_preprocessor))
    dataset = dict(cfg.custom_hooks[0].test, indices=130)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        features, labels = extract_features(model.train(), dataset)
        samples = DATASETS.build(dataset)
    assert features.shape == (130, 128) and not model.training
    for place in (0, 129):
        image = (samples[place]['inputs'][None].float() - 78) / 96
        with torch.no_grad():
            expected = model.backbone(image)[-1].mean(dim=(2, 3))[0]
        torch.testing.assert_close(torch.from_numpy(features[place]), expected)
        assert labels[place] == int(samples[place]['data_samples'].gt_label)


def _first_outputs(model, dataset):
    """What the first normalisation of a backbone is given, image by image."""
    from mmpretrain.registry import DATASETS

    with DefaultScope.overwrite_default_scope('mmpretrain'):
        samples = DATASETS.build(dataset)
    images = torch.stack([sample['inputs'] for sample in samples]).float()
    with torch.no_grad():
        return model.backbone.conv1((images - 78) / 96).double()


def test_statistics_are_the_mean_over_all_batches():
    from projects.ssl.linear_probe import settle_batchnorm

    cfg = ssl_config('simclr_digits')
    model = build_ssl_model(dict(cfg.model, data_preprocessor=cfg.data_preprocessor))
    # What a network had before does not count.
    model.backbone.bn1.running_mean.fill_(7.0)
    dataset = dict(cfg.custom_hooks[0].train, indices=300)
    weights = [parameter.clone() for parameter in model.parameters()]
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        settle_batchnorm(model.eval(), dataset)
    means, variances = [], []
    for batch in _first_outputs(model, dataset).split(128):
        means.append(batch.mean(dim=(0, 2, 3)))
        variances.append(batch.var(dim=(0, 2, 3)))
    norm = model.backbone.bn1
    assert len(means) == int(norm.num_batches_tracked) == 3
    torch.testing.assert_close(norm.running_mean.double(), sum(means) / 3, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(norm.running_var.double(), sum(variances) / 3, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(list(model.parameters()), weights, rtol=0, atol=0)


def test_random_weights_are_probed_with_the_statistics_of_the_training_images(
    tmp_path, monkeypatch
):
    from projects.ssl import LinearProbeHook
    from projects.ssl.training import measure

    cfg = ssl_config('simclr_digits', log_level='ERROR')
    cfg.work_dir = str(tmp_path)
    cfg.custom_hooks[0].train.indices = 100
    probed = []
    monkeypatch.setattr(LinearProbeHook, 'probe', lambda self, model: probed.append(model) or 0.25)
    assert measure(cfg, False) == 0.25
    (model,) = probed
    expected = _first_outputs(model, cfg.custom_hooks[0].train).mean(dim=(0, 2, 3))
    found = model.backbone.bn1.running_mean.double()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert float(expected.abs().max()) > 0.01


def test_table_says_what_may_be_chance():
    from projects.ssl.results import format_table

    table = format_table(
        {
            ('', ''): [0.5, 0.6],
            ('A', 'plain'): [0.7, 0.8],
            ('A', 'clear'): [0.8, 0.9],
            ('A', 'unclear'): [0.7, 0.9],
        },
        num_test=50,
    )
    assert '| none | random weights | 55.0 ± 7.1 | |' in table
    assert '| A | plain | 75.0 ± 7.1 |  |' in table
    assert '| A | clear | 85.0 ± 7.1 | +10.0 |' in table
    assert 'over 2 seeds: A with clear (+10.0). Within it' in table
    assert 'A with unclear (+5.0)' in table
    assert 'one of the 50 test images is 2.0 points' in table


def test_table_says_when_nothing_was_learned():
    from projects.ssl.results import format_table

    learned = {('', ''): [0.5, 0.6], ('A', 'plain'): [0.7, 0.8], ('B', 'plain'): [0.9, 0.9]}
    assert 'did not get clearly beyond' not in format_table(learned, num_test=50)
    table = format_table({**learned, ('', ''): [0.75, 0.8]}, num_test=50)
    assert 'Plain A did not get clearly beyond random weights here' in table
    worse = {**learned, ('', ''): [0.95, 0.96]}
    assert 'Plain A and B did not get clearly beyond' in format_table(worse, num_test=50)


def test_results_go_between_the_markers(tmp_path):
    from projects.ssl.results import BEGIN, END, write_results

    file = tmp_path / 'README.md'
    file.write_text(f'before\n{BEGIN}\nold\n{END}\nafter\n')
    write_results(file, 'new')
    assert file.read_text() == f'before\n{BEGIN}\n\nnew\n\n{END}\nafter\n'
    file.write_text('no markers\n')
    with pytest.raises(ValueError, match='must have the lines'):
        write_results(file, 'new')
    assert file.read_text() == 'no markers\n'
    assert (SSL / 'README.md').read_text().count(BEGIN) == 1
