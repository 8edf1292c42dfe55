import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

# `projects` is no part of the installed package.
sys.path.insert(0, str(Path(__file__).parents[2]))


@pytest.fixture(scope='session')
def noise(tmp_path_factory):
    """Folder with 31 shoes and 30 hats: soft noise of several scales."""
    folder = tmp_path_factory.mktemp('data')
    rng = np.random.default_rng(0)
    for name, number in (('shoes', 31), ('hats', 30)):
        (folder / name).mkdir()
        for index in range(number):
            image = sum(
                cv2.resize(rng.uniform(0, 85, (side, side, 3)), (72, 68)) for side in (4, 12, 36)
            )
            cv2.imwrite(str(folder / name / f'{index:04}.png'), image.astype(np.uint8))
    return folder


@pytest.fixture
def mistake(capsys):
    """A command's answer to a mistake: the last line on stderr, where it ends with code 2."""
    from mmfncontra.launch.command import run_command

    def tell(main, *argv):
        with pytest.raises(SystemExit) as end:
            run_command(lambda: main([str(word) for word in argv]))
        assert end.value.code == 2
        return capsys.readouterr().err.splitlines()[-1]

    return tell
