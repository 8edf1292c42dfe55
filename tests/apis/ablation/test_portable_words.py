"""Commands without the folders of a machine."""

import sys
from pathlib import Path

import pytest

from mmfncontra.apis.ablation.portable_words import checkout_of, portable_command, portable_text

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('configs/a.py model.width=8 lr=1e-3', 'configs/a.py model.width=8 lr=1e-3'),
        ('/repo/configs/a.py x=1/2', 'configs/a.py x=1/2'),
        ('x=/a/b.pth y=~/c/d.pth', 'x=b.pth y=d.pth'),
        ("x=['/a/b','c/d'] y=dict(file=\"/e/f\")", "x=['b','c/d'] y=dict(file=\"f\")"),
    ],
)
def test_text(text, expected):
    assert portable_text(text, '/repo/') == expected


def test_command_of_this_checkout():
    words = [sys.executable, str(ROOT / 'tests/toys/fake_train.py'), str(ROOT / 'configs/a.py')]
    assert checkout_of(words) == f'{ROOT.as_posix()}/'
    shown = portable_command([*words, '--work-dir', 'ablations/mine/no GWCL/seed_0'])
    assert shown == (
        "python tests/toys/fake_train.py configs/a.py --work-dir 'mine/no GWCL/seed_0'"
    )
