"""Workarounds for mmagic 1.2, mmcv 2.1, mmengine 0.10 and mmpretrain 1.2 on today's torch."""
