"""What comes with the package: its configs, beside it in a checkout and inside of it in a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
# Where wheels of mm projects have their configs.
_IN_WHEEL = _PACKAGE / '.mim'


def checkout() -> Path | None:
    """Root of the repository that this package is used from; None where it is installed alone."""
    return None if _IN_WHEEL.is_dir() else _PACKAGE.parent


def shipped_configs() -> Path:
    """The folder ``configs``."""
    return (checkout() or _IN_WHEEL) / 'configs'


def find_shipped(name: str | Path) -> Path | None:
    """A config that comes with the package, by its name.

    Args:
        name: Path below ``configs``, with or without that folder before it.

    Returns:
        The file; None if there is none.

    Example:
        >>> find_shipped('fncontra/fastgan_64.py') == find_shipped('configs/fncontra/fastgan_64.py')
        True
        >>> find_shipped('../setup.py')
    """
    parts = Path(name).parts
    below = parts[1:] if parts[:1] == ('configs',) else parts
    if not below or Path(name).is_absolute() or '..' in below:
        return None
    path = shipped_configs().joinpath(*below)
    return path if path.is_file() else None


def shipped_name(path: str | Path) -> str:
    """How a config is called on a command line.

    Args:
        path: Of a config.

    Returns:
        Of one that comes with the package its path from the root of the checkout, where there is
        one, else its name below ``configs``; of another its path.
    """
    path, configs = Path(path), shipped_configs()
    if not path.is_relative_to(configs):
        return str(path)
    return path.relative_to(configs.parent if checkout() else configs).as_posix()
