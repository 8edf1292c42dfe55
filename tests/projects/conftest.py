import sys
from pathlib import Path

import pytest
from mmengine.registry import DefaultScope

# `projects` is no part of the installed package.
sys.path.insert(0, str(Path(__file__).parents[2]))


@pytest.fixture(autouse=True)
def _leave_the_scope(monkeypatch):
    # A runner of mmengine makes its scope that of the process.
    monkeypatch.setattr(DefaultScope, '_instance_dict', DefaultScope._instance_dict.copy())
