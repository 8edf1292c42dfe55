from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub

from mmfncontra.engine.hooks import DynamicWeightHook
from mmfncontra.models.contrasts import FNContra


def runner(contrast):
    warnings = []
    return SimpleNamespace(
        model=SimpleNamespace(contrast=contrast),
        message_hub=MessageHub('hub'),
        logger=SimpleNamespace(warning=warnings.append),
        warnings=warnings,
    )


def test_updates_and_logs_the_levels_in_use():
    contrast = FNContra(difficulties=['easy', 'hard'])
    contrast.similarity.copy_(torch.tensor([0.2, 0.0, 0.9]))
    run = runner(contrast)
    hook = DynamicWeightHook()
    hook.before_train(run)
    hook.after_train_iter(run, 0)
    logged = {k: v.current() for k, v in run.message_hub.log_scalars.items()}
    assert set(logged) == {
        f'train/{kind}_{level}' for kind in ('weight', 'similarity') for level in ('easy', 'hard')
    }
    assert logged['train/weight_easy'] == pytest.approx(0.8 / 2.302585, rel=1e-5)
    assert contrast.weights.weight[2].item() == pytest.approx(0.1 / 2.302585, rel=1e-5)


def test_needs_a_contrast():
    with pytest.raises(ValueError, match=r'needs model.contrast, which is None'):
        DynamicWeightHook().before_train(runner(None))


def test_without_embeddings_the_weights_stay():
    contrast = FNContra(dwcl=None)
    run = runner(contrast)
    hook = DynamicWeightHook()
    hook.before_train(run)
    hook.after_train_iter(run, 0)
    assert contrast.weights.weight.tolist() == [0.5] * 3
    assert 'stay at their initial values' in run.warnings[0]
