import sys

import pytest
from commands import ROOT

from mmfncontra.launch.typed import typed


@pytest.mark.parametrize(
    ('program', 'expected'),
    [
        ('mmfncontra train', ['mmfncontra', 'check-data']),
        ('/env/bin/mmfncontra', ['mmfncontra', 'check-data']),
        ('/elsewhere/tools/train.py', ['mmfncontra', 'check-data']),
        (f'{ROOT}/tools/train.py', ['python', f'{ROOT}/tools/check_data.py']),
    ],
)
def test_a_command_is_typed_as_this_one_was(monkeypatch, program, expected):
    monkeypatch.setattr(sys, 'argv', [program, 'a.py'])
    assert typed('check-data') == expected


def test_from_the_root_a_tool_is_named_by_its_short_path(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, 'argv', ['tools/train.py'])
    assert typed('report') == ['python', 'tools/report.py']
