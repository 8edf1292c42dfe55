"""Metadata is in setup.cfg; here, what a wheel carries besides the package."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# To `.mim` in the package, where wheels of mm projects have them.
CARRIED = ('configs', 'tools', 'model-index.yml')


class BuildWithConfigs(build_py):
    """Builds the package with configs and tools inside; an editable one has them beside it."""

    def run(self) -> None:
        """Build, and copy what a wheel carries."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, 'mmfncontra', '.mim')
        # What an earlier build has left there may be gone from the sources.
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in CARRIED:
            if Path(name).is_dir():
                shutil.copytree(name, target / name, ignore=shutil.ignore_patterns('__pycache__'))
            else:
                shutil.copy2(name, target / name)


setup(cmdclass=dict(build_py=BuildWithConfigs))
