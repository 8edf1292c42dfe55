"""Configs of this package as bases of others: ``_base_ = 'mmfncontra::fncontra/fastgan_64.py'``.

mmengine 0.10 takes such names of a closed list of packages, and gives every component of the base
the scope of its package, which ours have by ``default_scope``.
"""

from functools import cache, wraps

from mmfncontra.utils.shipped import find_shipped

PREFIX = 'mmfncontra::'


@cache
def name_own_configs() -> None:
    """Let mmengine find configs of this package by name, in a wheel or a checkout.

    It does nothing when called again.
    """
    from mmengine.config import Config

    find = Config._get_cfg_path

    @wraps(find)
    def find_own_too(cfg_path: str, filename: str) -> tuple[str, str | None]:
        if not cfg_path.startswith(PREFIX):
            return find(cfg_path, filename)
        found = find_shipped(cfg_path.removeprefix(PREFIX))
        if found is None:
            raise FileNotFoundError(
                f"there is no {cfg_path}: 'mmfncontra configs' lists the names after {PREFIX}"
            )
        return str(found), None

    Config._get_cfg_path = staticmethod(find_own_too)
