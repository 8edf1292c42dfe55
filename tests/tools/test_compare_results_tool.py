"""Tables and curves of studies."""

import json
from pathlib import Path

import pytest
from commands import load_tool
from PIL import Image
from toy_study import toy_study
from toy_work_dir import write_card

from mmfncontra.apis.ablation.results import compare_study
from mmfncontra.apis.ablation.study_file import write_study


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return str(write_study(toy_study(), tmp_path / 'docs' / 'toy.json'))


def compare(*words):
    load_tool('compare_results').main(words)


def test_tables_of_studies_beside_cards(study, tmp_path, capsys):
    cards = [write_card(tmp_path, at, swd=10.0) for at in (100, 200)]
    compare(*map(str, cards), study, study)
    table = compare_study(toy_study()).to_markdown()
    printed = capsys.readouterr().out
    assert printed.startswith('| | ') and printed.endswith(f'## toy\n\n{table}\n## toy\n\n{table}')
    assert '| swd | 10 | 10 |' in printed
    compare(study, '--metrics', 'swd', '--baseline', 'better', '--at', '100', '--csv')
    early = compare_study(toy_study().at(100), 'better', ['swd'])
    assert capsys.readouterr().out == early.to_csv()
    compare(study, '--cards', 'best')
    assert compare_study(toy_study(), cards='best').to_markdown() in capsys.readouterr().out


def test_curve(study, capsys):
    compare(study, '--curve', 'swd', '--over', 'seconds', '--out', 'new/a.png')
    assert capsys.readouterr().out == 'swd over seconds: new/a.png\n'
    with Image.open('new/a.png') as picture:
        assert picture.width > 500
    read = json.loads(Path(study).read_text())
    for card in read['runs'][0]['cards']:
        del card['run']['train_seconds']
    Path(study).write_text(json.dumps(read))
    compare(study, '--curve', 'swd', '--over', 'seconds', '--out', 'new/a.png')
    said = 'left out, for their cards do not have both: base, seed 0'
    assert capsys.readouterr().out.splitlines()[1:] == [said]
    with pytest.raises(ValueError, match='--out must be a file, but new is a folder'):
        compare(study, '--curve', 'swd', '--out', 'new')


def test_page(study, tmp_path):
    page = tmp_path / 'docs' / 'page.md'
    page.write_text(
        'a\n<!-- table: docs/toy.json --metrics swd --cards best -->\n| old |\n<!-- end -->\nb\n'
    )
    compare('--write', str(page))
    table = compare_study(toy_study(), metrics=['swd'], cards='best').to_markdown()
    mark = '<!-- table: docs/toy.json --metrics swd --cards best -->'
    assert page.read_text() == f'a\n{mark}\n{table}<!-- end -->\nb\n'
    page.write_text(page.read_text().replace('best -->', 'best --brief --intervals -->'))
    compare('--write', str(page))
    found = compare_study(toy_study(), metrics=['swd'], cards='best').rows['better']['swd']
    low, high = found.comparison.low, found.comparison.high
    assert 'what it is' in table and 'what it is' not in page.read_text()
    assert f' [{low:+.2g}, {high:+.2g}], p' in page.read_text() and low < high < 0


@pytest.mark.parametrize(
    ('mark', 'said'),
    [
        ('docs/gone.json', 'there is no study at docs/gone.json'),
        ('docs/toy.json --metric swd --x', 'unrecognized arguments: --x'),
        ('docs/toy.json --at 7', 'at must be an iteration with metric cards'),
        ("docs/toy.json '", 'No closing quotation'),
    ],
)
def test_marks_that_cannot_be_followed(study, tmp_path, mark, said):
    page = tmp_path / 'page.md'
    text = f'<!-- table: {mark} -->\n<!-- end -->\n'
    page.write_text(text)
    with pytest.raises(ValueError, match=rf'page\.md, table {mark}: .*{said}'):
        compare('--write', str(page))
    assert page.read_text() == text


def test_options_that_do_not_go_together(study, tmp_path, capsys):
    card = str(write_card(tmp_path, 100, swd=10.0))
    for words, said in {
        (card, card, '--csv'): f'the options are for studies, and {card} is none',
        (study, study, '--curve', 'swd', '--out', 'a.png'): '--curve takes one study',
        (card, '--curve', 'swd', '--out', 'a.png'): '--curve takes one study',
        (study, '--curve', 'swd'): 'need each other',
        (study, '--over', 'seconds'): 'need each other',
        (study, '--write', 'page.md'): 'takes studies and options from the marks',
        ('--write', 'page.md', '--brief'): 'takes studies and options from the marks',
        (study, '--curve', 'swd', '--out', 'a.png', '--at', '100'): 'of a metric, without --at',
        (study, '--at', '1', '--cards', 'best'): 'not allowed with',
    }.items():
        with pytest.raises(SystemExit):
            compare(*words)
        assert said in capsys.readouterr().err
