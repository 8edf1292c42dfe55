"""Matrices and positions of augmentations never go through a matrix product of the device.

A GPU may round its operands to ten bits (TF32), and autocast to eight: pixels would move by up to
two at 1024 pixels a side.
"""

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from mmfncontra.models.augments import ADA
from mmfncontra.models.augments.ada.geometry import product
from mmfncontra.models.views import RandomView

# The last one is F.affine_grid, with a product in it that is not seen.
PRODUCTS = {'mm', 'bmm', 'addmm', 'baddbmm', 'mv', 'addmv', 'dot', 'affine_grid_generator'}


class NoProduct(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in PRODUCTS:
            # Filters multiply rows of pixels, whose values may be rounded, as in a convolution.
            is_filter = all(min(x.shape[-2:]) > 4 for x in args if isinstance(x, torch.Tensor))
            assert is_filter, func
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize('augment', [ADA('bgcfnc', initial=0.8), RandomView()])
def test_no_matrix_product(augment):
    with torch.autocast('cpu', torch.bfloat16), NoProduct():
        augment(torch.rand(2, 3, 16, 16))


def test_one_would_be_seen():
    with NoProduct(), pytest.raises(AssertionError, match='bmm'):
        torch.rand(2, 3, 3) @ torch.rand(2, 3, 3)
    with NoProduct(), pytest.raises(AssertionError, match='affine_grid'):
        F.affine_grid(torch.rand(1, 2, 3), [1, 1, 4, 4], align_corners=False)


@pytest.mark.parametrize('shapes', [((5, 3, 3), (5, 3, 3)), ((3, 3), (5, 3, 3)), ((5, 2, 2),) * 2])
def test_products_are_those_of_matrices(shapes):
    a, b = (torch.randn(shape, dtype=torch.float64) for shape in shapes)
    torch.testing.assert_close(product(a, b), a @ b)


def test_the_identity_changes_nothing():
    matrices = torch.randn(5, 3, 3)
    assert torch.equal(product(torch.eye(3), matrices), matrices)
    assert torch.equal(product(matrices, torch.eye(3)), matrices)
