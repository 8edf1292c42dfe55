"""Every table of a study in the pages is what its file in docs/results gives."""

import pytest
from commands import load_tool
from pages import ROOT
from toy_study import toy_study

from mmfncontra.apis.ablation.study_file import read_study, write_study
from mmfncontra.apis.ablation.study_pages import fill_tables

PAGES = [*ROOT.glob('*.md'), *ROOT.glob('docs/**/*.md')]


def check_tables(page):
    text = page.read_text(encoding='utf-8')
    assert fill_tables(text, page, load_tool('compare_results').mark_parser()) == text


def test_tables_are_those_of_their_studies():
    assert len(PAGES) > 5
    for page in PAGES:
        check_tables(page)


def test_studies_can_be_read():
    for path in ROOT.glob('docs/results/*.json'):
        text = path.read_text(encoding='utf-8')
        assert read_study(path).runs and str(ROOT) not in text and '/home/' not in text


def test_a_changed_digit_is_seen(tmp_path):
    write_study(toy_study(), tmp_path / 'docs' / 'results' / 'toy.json')
    page = tmp_path / 'docs' / 'page.md'
    page.write_text('<!-- table: docs/results/toy.json -->\n<!-- end -->\n')
    load_tool('compare_results').main(['--write', str(page)])
    check_tables(page)
    text = page.read_text()
    assert text.count('4.01') == 1
    page.write_text(text.replace('4.01', '4.02'))
    with pytest.raises(AssertionError):
        check_tables(page)
