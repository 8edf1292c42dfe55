from pathlib import Path

import numpy as np
from PIL import Image

from mmfncontra.engine.hooks import CurvesHook, ProgressLoggerHook, curves_hook


def test_draws_what_was_logged(train, tmp_path: Path, monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(
        curves_hook,
        'plot_curves',
        lambda records, plot=curves_hook.plot_curves: seen.extend(records) or plot(records),
    )
    train(CurvesHook(), logger=ProgressLoggerHook(interval=2), max_iters=5)
    assert [record['step'] for record in seen] == [2, 4, 5]
    assert np.asarray(Image.open(tmp_path / 'curves.png')).std() > 0


def test_other_ranks_write_nothing(train, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(curves_hook, 'is_main_process', lambda: False)
    train(CurvesHook())
    assert not (tmp_path / 'curves.png').exists()
