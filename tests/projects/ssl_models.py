"""mmpretrain's models of projects/ssl, small; who imports it is skipped where they are not."""

from importlib.util import find_spec

import pytest
import torch
from commands import ROOT
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope

from mmfncontra.compat.prepare_mmpretrain import prepare_mmpretrain

SSL = ROOT / 'projects' / 'ssl'
if find_spec('mmpretrain') is None or find_spec('sklearn') is None:
    pytest.skip(
        'mmpretrain or scikit-learn is not installed: pip install -c requirements/constraints.txt '
        '-r projects/ssl/requirements.txt',
        allow_module_level=True,
    )
# Before any test imports mmpretrain.
prepare_mmpretrain()


def ssl_config(name, **options):
    from projects.ssl.training import load_config

    return load_config(SSL / 'configs' / f'{name}.py', 'work_dirs', options=options)


def build_ssl_model(config):
    from mmpretrain.registry import MODELS

    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = revert_sync_batchnorm(MODELS.build(config))
    torch.manual_seed(1)
    for parameter in model.backbone.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    if hasattr(model, 'encoder_k'):
        model.encoder_k.module.load_state_dict(
            torch.nn.Sequential(model.backbone, model.neck).state_dict()
        )
    return model
