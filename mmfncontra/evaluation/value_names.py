"""Names of values that are computed from a network's features."""

import re

# A network's name in the names of its values. Inception has none: theirs are those of papers.
SHORT_NAMES = {
    **{f'efficientnet_lite{n}': f'lite{n}' for n in (0, 1, 2)},
    **{
        f'dinov2-vit-{size}-14': f'dinov2_vit{size}14'
        for size in ('s', 'b', 'l', 'g')
    },
}  # fmt: skip
# Pixels have a copy rate too: these have the network in their name with Inception as well.
OF_HELDOUT = ('copy_rate_heldout', 'nearer_to_training', 'fd_heldout', 'kid_heldout')
MEMORISATION = ('copy_rate', 'nearest_ratio', *OF_HELDOUT)
# Values that every network has, by their name with Inception, and what they are called with others.
_OF_FEATURES = {
    **dict(fid='fd', fid_unbiased='fd', kid_mean='kid', kid_std='kid'),
    **{name: name for name in ('precision', 'recall', 'density', 'coverage', *MEMORISATION)},
}
_ENDINGS = dict(fid_unbiased='_unbiased', kid_std='_std')
# Values of pixels whose names begin like one of those.
_OTHERS = ('copy_rate_wavelet',)
_KINDS = sorted(set(_OF_FEATURES.values()), key=len, reverse=True)
_PATTERN = re.compile(rf'({"|".join(_KINDS)})_[a-z0-9_]+?(_unbiased|_std)?')


def short_name(extractor: str) -> str:
    """What stands for a network in the names of its values.

    Args:
        extractor: Name of the network.

    Example:
        >>> short_name('efficientnet_lite2'), short_name('clip-vit-b-32')
        ('lite2', 'clip_vit_b_32')
    """
    return SHORT_NAMES.get(extractor, extractor.replace('-', '_'))


def value_name(name: str, extractor: str) -> str:
    """Name of a value with a network.

    Args:
        name: Its name with Inception.
        extractor: Name of the network.

    Returns:
        The same for Inception, but for memorisation; FID is the name of Inception's distance alone.

    Example:
        >>> [value_name(n, 'efficientnet_lite2') for n in ('fid', 'fid_unbiased', 'kid_std')]
        ['fd_lite2', 'fd_lite2_unbiased', 'kid_lite2_std']
    """
    if extractor == 'inception' and name not in MEMORISATION:
        return name
    return f'{_OF_FEATURES[name]}_{short_name(extractor)}{_ENDINGS.get(name, "")}'


def bare_name(name: str) -> str:
    """Name of a value with Inception, for one of any network.

    Args:
        name: A name of a value, of features or not.

    Returns:
        The name itself where it has no network in it.

    Example:
        >>> [bare_name(n) for n in ('fd_lite2', 'kid_lite2_std', 'copy_rate_vgg16', 'swd')]
        ['fid', 'kid_std', 'copy_rate', 'swd']
    """
    found = _PATTERN.fullmatch(name)
    if found is None or name in (*_OF_FEATURES, *_OTHERS):
        return name
    kind, ending = found[1], found[2] or ''
    for own, other in _OF_FEATURES.items():
        if other == kind and _ENDINGS.get(own, '') == ending:
            return own
    return name
