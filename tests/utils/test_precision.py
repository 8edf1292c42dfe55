import torch

from mmfncontra.utils.precision import without_autocast


def test_products_stay_in_float32():
    a = torch.rand(4, 4)
    with torch.autocast('cpu', torch.bfloat16):
        assert (a @ a).dtype == torch.bfloat16
        with without_autocast(a.device):
            assert (a @ a).dtype == torch.float32
        assert (a @ a).dtype == torch.bfloat16


def test_devices_without_autocast():
    a = torch.empty(4, 4, device='meta')
    with without_autocast(a.device):
        assert (a @ a).is_meta
