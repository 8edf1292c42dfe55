from importlib.metadata import PackageNotFoundError

from mmfncontra.compat import versions
from mmfncontra.evaluation import card
from mmfncontra.version import __version__


def test_versions_of_a_checkout_that_is_not_installed(monkeypatch):
    """The tools run from one; a training would end at its first validation."""

    def version(name):
        if name != 'torch':
            raise PackageNotFoundError(name)
        return '2.11.0'

    monkeypatch.setattr(versions, 'version', version)
    assert card.library_versions() == {'mmfncontra': __version__, 'torch': '2.11.0'}
