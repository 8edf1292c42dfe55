import pytest
import torch
from torch import nn

import mmfncontra.models.gans  # noqa: F401 (applies it)
from mmfncontra.compat.prepare_mmagic import prepare_mmagic

prepare_mmagic()
from mmagic.models.editors.pggan import pggan_modules  # noqa: E402
from mmagic.models.editors.pggan.pggan_modules import _calculate_correct_fan  # noqa: E402


@pytest.mark.parametrize('mode', ['fan_in', 'fan_out'])
@pytest.mark.parametrize('shape', [(6, 4, 3, 3), (2, 6, 4, 3, 3), (5, 7)])
def test_equalised_weights_are_mmagics(shape, mode):
    module = nn.Module()
    module.weight_orig = nn.Parameter(torch.randn(shape))
    hook = pggan_modules.EqualizedLR('weight', gain=1.3, mode=mode, lr_mul=0.01)
    fan = _calculate_correct_fan(
        module.weight_orig[0] if len(shape) == 5 else module.weight_orig, mode
    )
    expected = module.weight_orig * 1.3 * fan**-0.5 * 0.01
    torch.testing.assert_close(hook.compute_weight(module), expected)


def test_pixel_norm_is_the_root_mean_square():
    x = torch.randn(3, 5, 4, 4)
    expected = x / (x.square().mean(1, keepdim=True).sqrt() + 1e-6)
    torch.testing.assert_close(pggan_modules.pixel_norm(x), expected)
    torch.testing.assert_close(pggan_modules.PixelNorm()(x), expected)
