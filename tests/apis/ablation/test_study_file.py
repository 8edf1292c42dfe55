"""A study as a file."""

import json

import pytest
from toy_study import toy_study

from mmfncontra.apis.ablation.results import compare_study
from mmfncontra.apis.ablation.study_file import is_study, read_study, write_study


@pytest.fixture
def path(tmp_path):
    return write_study(toy_study(), tmp_path / 'new' / 'toy.json')


def test_what_is_read_is_what_was_written(path):
    written, read = toy_study(), read_study(path)
    assert (read.title, read.baseline, read.variants) == ('toy', 'base', written.variants)
    assert read.unfinished == written.unfinished
    for one, other in zip(read.runs, written.runs, strict=True):
        assert (one.name, one.command, one.config_hash) == (
            other.name,
            other.command,
            other.config_hash,
        )
        assert {at: card.to_dict() for at, card in one.cards.items()} == {
            at: card.to_dict() for at, card in other.cards.items()
        }
    for options in ({}, dict(cards='best'), dict(baseline='better', metrics=['swd'])):
        read_table, table = compare_study(read, **options), compare_study(written, **options)
        assert read_table.to_markdown() == table.to_markdown()
        assert read_table.to_csv() == table.to_csv()
    assert '† better was trained with efficientnet_lite0' in compare_study(read).to_markdown()
    assert write_study(read, path.with_name('again.json')).read_bytes() == path.read_bytes()


def test_what_cards_share_is_there_once(path):
    text = path.read_text()
    assert text.count('"size"') == 2 and text.count('"torch"') == 8
    assert is_study(path) and not is_study(path.with_name('nothing.json'))


def change(content, place, value):
    *keys, last = place
    for key in keys:
        content = content[key]
    content[last] = value


@pytest.mark.parametrize(
    ('place', 'value', 'said'),
    [
        (['format'], 'x', "format must be 'mmfncontra study', got 'x'"),
        (['version'], 2, 'version must be 1, got 2'),
        (['title'], None, 'title must be text, got None'),
        (['baseline'], 'x', "baseline must be one of base, better, got 'x'"),
        (['variants', 'base'], 3, 'variants.base must be text, got 3'),
        (['unfinished'], [1], 'unfinished must hold text, got 1'),
        (['depends', 1], [], r'depends\[1\] must be names with values, got \[\]'),
        (['runs'], 3, 'runs must be a list, got 3'),
        (['runs'], [], 'runs must be one or more with cards, got none'),
        (['runs', 2], 'x', r"runs\[2\] must be names with values, got 'x'"),
        (['runs', 2, 'seed'], 1, 'runs must differ in variant or seed'),
        (['runs', 2, 'seed'], '2', r"runs\[2\].seed must be a whole number, got '2'"),
        (['runs', 2, 'seed'], True, r'runs\[2\].seed must be a whole number, got True'),
        (['runs', 2, 'variant'], 'x', r"runs\[2\].variant must be one of base, better, got 'x'"),
        (['runs', 2, 'cards', 1, 'iteration'], 100, r'cards\[1\].iteration is there twice, 100'),
        (['runs', 2, 'cards', 1, 'depends'], 5, r'cards\[1\].depends must be 0 to 1, got 5'),
        (['runs', 2, 'cards', 1, 'metrics', 'swd'], 'x', r'runs\[2\].cards\[1\]: .*wrong types'),
    ],
)
def test_wrong_files_are_refused(path, place, value, said):
    content = json.loads(path.read_text())
    change(content, place, value)
    path.write_text(json.dumps(content))
    with pytest.raises(
        ValueError, match=rf'toy\.json cannot be read as a study: .*{said}'
    ) as error:
        read_study(path)
    assert '\n' not in str(error.value)


def test_no_json(path):
    for text in ('{', '[1]', '[' * 10**5, '9' * 10**4):
        path.write_text(text)
        assert not is_study(path)
        with pytest.raises(ValueError, match='cannot be read as a study'):
            read_study(path)
    with pytest.raises(FileNotFoundError, match=r'there is no study at .*gone'):
        read_study(path.with_name('gone.json'))
