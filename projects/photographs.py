"""The photographs that the projects train on."""

import os
from pathlib import Path

from mmfncontra.utils.files import expand_home

_ROOT = Path(__file__).resolve().parents[1]


def default_data() -> Path:
    """``data`` in the folder that ``MMFNCONTRA_SHARED`` names, or in ``shared`` by the checkout."""
    return Path(os.environ.get('MMFNCONTRA_SHARED', _ROOT.parent / 'shared'), 'data')


def find_data(data: str | Path | None = None) -> Path:
    """Folder of the photographs.

    Args:
        data: What the option ``--data`` names; ``None``: :func:`default_data`.

    Returns:
        The folder.

    Raises:
        ValueError: If it lacks the folders ``shoes`` and ``hats``.
    """
    folder = default_data() if data is None else expand_home(data)
    for name in ('shoes', 'hats'):
        if not (folder / name).is_dir():
            raise ValueError(
                f'--data must be a folder that holds the folders shoes and hats, got {folder}, '
                f'which has no folder {name}'
            )
    return folder
