"""Two processes on the CPU, through the launch script."""

import os
import socket
import sys
from pathlib import Path

import pytest
import torch
from commands import CONFIGS, ROOT, run

from mmfncontra.apis import prepare_config, run_training

CONFIG = CONFIGS / 'fncontra/fastgan-offline_64.py'
NARROW = {
    'model.generator.base_channels': 4,
    'model.discriminator.base_channels': 4,
    'train_dataloader.batch_size': 2,
}


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return str(s.getsockname()[1])


PROBE = """
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmfncontra.registry import HOOKS

@HOOKS.register_module()
class Probe(Hook):
    priority = 'LOWEST'

    def before_train(self, runner):
        self.draw = torch.randn(1).item()

    def after_train(self, runner):
        model = runner.model.module
        state = {k: v for k, v in model.state_dict().items()
                 if 'running' not in k and 'num_batches' not in k
                 and 'weight_u' not in k and 'weight_v' not in k}
        torch.save(dict(state=state, draw=self.draw), f'{runner.work_dir}/rank{get_rank()}.pt')
"""


@pytest.mark.slow
def test_two_ranks_agree_and_their_checkpoint_resumes_on_one(images, tmp_path):
    (tmp_path / 'probe.py').write_text(PROBE)
    config = tmp_path / 'two.py'
    config.write_text(
        f"_base_ = ['{CONFIG}']\n"
        "custom_imports = dict(imports=['mmfncontra.models.gans', 'probe'])\n"
        "custom_hooks = [*_base_.custom_hooks, dict(type='Probe')]\n"
    )
    work_dir = tmp_path / 'run'
    options = [f'{k}={v}' for k, v in NARROW.items()]
    environment = {
        'PORT': free_port(),
        'PYTHONPATH': os.pathsep.join([str(tmp_path), str(ROOT)]),
        'PATH': os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']]),
    }
    done = run(
        *('bash', ROOT / 'tools/dist_train.sh', config, '2', '--data', images),
        *('--work-dir', work_dir, '--cfg-options', 'train_cfg.max_iters=3', *options),
        **environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count('done: ') == 1
    one, two = (torch.load(work_dir / f'rank{i}.pt', weights_only=True) for i in range(2))
    assert one['draw'] != two['draw']  # noise and augmentation differ by rank
    assert {k.split('.')[0] for k in one['state']} >= {'generator', 'discriminator', 'contrast'}
    for name, value in one['state'].items():
        assert torch.equal(value, two['state'][name]), name

    cfg = prepare_config(
        CONFIG,
        work_dir=work_dir,
        data=images,
        resume='auto',
        cfg_options={**NARROW, 'train_cfg.max_iters': 3},
    )
    runner = run_training(cfg)
    loaded = runner.model.state_dict()
    for name, value in one['state'].items():
        plain = name.replace('.module.', '.') if not name.startswith('generator_ema') else name
        assert torch.equal(loaded[plain], value), name
