"""Text between marks."""

import pytest

from mmfncontra.apis.ablation.marked_text import fill_marks

PAGE = """\
# Title
<!-- table: a.json --metrics swd -->
old
<!-- end -->
between
<!-- other: a -->
kept
<!-- end -->
<!-- table: b.json -->
<!-- end -->
after
"""


def test_all_marks_of_a_name_are_filled():
    page = fill_marks(PAGE, 'table', lambda subject: f'new {subject}\n')
    assert page == PAGE.replace('old', 'new a.json --metrics swd').replace(
        'b.json -->\n', 'b.json -->\nnew b.json\n'
    )
    assert fill_marks(page, 'table', lambda subject: f'new {subject}') == page
    assert fill_marks(PAGE, 'nothing', str.upper) == PAGE


def test_a_mark_without_an_end_is_named():
    page = '<!-- table: a -->\n<!-- table: b -->\n<!-- end -->\n'
    with pytest.raises(ValueError, match="'<!-- table: a -->' needs a line '<!-- end -->' below"):
        fill_marks(page, 'table', str)
