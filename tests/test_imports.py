"""What a training imports, in a fresh process."""

import pytest
from commands import CONFIGS, ROOT, run_python

UNUSED = (
    'albumentations',
    'diffusers',
    'huggingface_hub',
    'jinja2',
    'lpips',
    'mmagic.models.editors.edsr',
    'pandas',
    'scipy.ndimage',
    'scipy.stats',
    'skimage',
    'sklearn',
    'tensorboard',
    'transformers',
)
TRAIN = """
import sys
from mmfncontra.apis import prepare_config, run_training
run_training(prepare_config({config!r}, work_dir={work_dir!r}, cfg_options={options!r}))
assert 'mmagic' in sys.modules
print('imported:', *({unused!r} & sys.modules.keys()))
"""
OPTIONS = {
    'train_cfg.max_iters': 1,
    'train_dataloader.dataset.num_images': 2,
    'val_evaluator.metrics': [dict(type='ImageMetrics', num_fake=2, values=['swd'])],
    'default_hooks.samples': None,
    'default_hooks.negatives': None,
}


def test_a_training_imports_what_it_uses(tmp_path):
    code = TRAIN.format(
        config=str(CONFIGS / 'fastgan/fastgan_demo.py'),
        work_dir=str(tmp_path),
        options=OPTIONS,
        unused=set(UNUSED),
    )
    done = run_python('-c', code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ['imported:']


# Refusals that need no import are given without one.
REFUSED = """
import runpy, sys
sys.argv = {argv!r}
try:
    runpy.run_path(sys.argv[0], run_name='__main__')
except SystemExit as stop:
    assert stop.code == 2
    print(*({heavy!r} & sys.modules.keys()))
"""


@pytest.mark.parametrize(
    ('arguments', 'heavy'),
    [
        (['nowhere.py'], {'mmengine', 'torch'}),
        (['fastgan/fastgan_64.py', '--data', 'nowhere'], {'mmengine', 'torch'}),
        (['fastgan/fastgan_64.py', '--launcher', 'x'], {'mmengine', 'torch'}),
        (['fastgan/fastgan_64.py'], {'torch'}),
        (['fastgan/fastgan_demo.py', '--seed', '-1'], {'mmengine', 'torch'}),
        (['fastgan/fastgan_demo.py', '--resume', 'nowhere.pth'], {'torch'}),
        (['fastgan/fastgan_demo.py', '--cfg-options', 'no_equals_sign'], {'torch'}),
        (['fastgan/fastgan_demo.py', '--cfg-options', 'trian_cfg.x=1'], {'mmagic'}),
        (['fastgan/fastgan_demo.py', '--cfg-options', 'train_cfg.max_iter=1'], {'mmagic'}),
    ],
)
def test_mistakes_are_answered_before_heavy_imports(tmp_path, arguments, heavy):
    config, *rest = arguments
    argv = [str(ROOT / 'tools/train.py'), str(CONFIGS / config), *rest]
    done = run_python('-c', REFUSED.format(argv=argv, heavy=heavy), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == '', done.stdout
    assert 'error: ' in done.stderr and 'Traceback' not in done.stderr
