import json
from importlib.metadata import PackageNotFoundError

import pytest

from mmfncontra.compat import versions
from mmfncontra.evaluation import card
from mmfncontra.version import __version__


def test_versions_of_a_checkout_that_is_not_installed(monkeypatch):
    """The tools run from one; a training would end at its first validation."""

    def version(name):
        if name != 'torch':
            raise PackageNotFoundError(name)
        return '2.11.0'

    monkeypatch.setattr(versions, 'version', version)
    assert card.library_versions() == {'mmfncontra': __version__, 'torch': '2.11.0'}


def test_cards_side_by_side(tmp_path):
    paths = [tmp_path / f'{name}.json' for name in 'abc']
    for path, (value, num) in zip(paths, [(0.5, 6), (0.25, 6), (0.5, 4)], strict=True):
        card.MetricCard(dict(swd=value), dict(ImageMetrics=dict(num_fake=num))).write(path)
    table = card.compare_cards(paths[:2])
    assert table.splitlines()[0] == f'| | {paths[0]} | {paths[1]} |'
    assert table.splitlines()[2:] == ['| swd | 0.5 | 0.25 |']
    with pytest.raises(ValueError, match=r'ImageMetrics\.num_fake differs: 6 .*, 4 '):
        card.compare_cards(paths)
    with pytest.raises(ValueError, match='name two cards or more, got 1'):
        card.compare_cards(paths[:1])


def test_files_that_are_no_cards(tmp_path):
    with pytest.raises(FileNotFoundError, match='no metric card at'):
        card.MetricCard.read(tmp_path / 'gone.json')
    for text in ('{', '[1]', '{"a": 1}', json.dumps(dict(metrics={}, depends={}, version=9))):
        (tmp_path / 'x.json').write_text(text)
        with pytest.raises(ValueError, match=r'x\.json is (no metric card|a card of version 9)'):
            card.MetricCard.read(tmp_path / 'x.json')


def test_values_that_a_training_saw_are_marked(tmp_path):
    seen = dict(extractor='efficientnet_lite0', seen_in_training=['fd_lite0', 'kid_lite0'])
    values = dict(fd_lite0=1.0, kid_lite0=0.5, swd=2.0)
    cards = dict(
        a=card.MetricCard(values, {'FeatureMetrics lite0': seen, 'run': {}}),
        b=card.MetricCard(values, {'FeatureMetrics lite0': dict(extractor='efficientnet_lite0')}),
    )
    assert card.find_differences(cards) == []
    sentence = (
        'a was trained with efficientnet_lite0, by which fd_lite0, kid_lite0 are measured: rank '
        'nothing by them'
    )
    assert card.find_flattered(cards) == [sentence]
    paths = [each.write(tmp_path / name) for name, each in cards.items()]
    table = card.compare_cards(paths).splitlines()
    assert table[2:5] == [
        '| fd_lite0 | 1 † | 1 |',
        '| kid_lite0 | 0.5 † | 0.5 |',
        '| swd | 2 | 2 |',
    ]
    assert table[-1] == f'† {sentence.replace("a was", f"{paths[0]} was")}.'
    assert set(card.MetricCard.read(paths[0]).seen_in_training) == {'fd_lite0', 'kid_lite0'}
    odd = card.MetricCard({}, dict(x=dict(seen_in_training=3)))
    assert odd.seen_in_training == {}


def test_a_card_of_another_evaluation_is_kept(tmp_path):
    path = tmp_path / 'iter_2_metrics.json'
    cards = [
        card.MetricCard(dict(swd=float(seed)), dict(run=dict(seed=seed, pair=(1, 2))))
        for seed in (0, 0, 1, 2)
    ]
    kept = [each.write_apart(path)[1] for each in cards]
    earlier = [tmp_path / f'iter_2_metrics_{number}.json' for number in (1, 2)]
    assert kept == [None, None, *earlier]
    values = [card.MetricCard.read(each).metrics['swd'] for each in (*earlier, path)]
    assert values == [0.0, 1.0, 2.0]
    path.write_text('notes')
    with pytest.raises(ValueError, match='is no metric card'):
        cards[0].write_apart(path)
    assert path.read_text() == 'notes'
