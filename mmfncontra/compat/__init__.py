"""What mmagic, mmcv, mmengine and mmpretrain need on the PyTorch and numpy of today."""
