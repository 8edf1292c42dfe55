import pytest
from mmengine.config import Config

from mmfncontra.launch import cpu_distributed
from mmfncontra.launch.cpu_distributed import init_cpu_distributed, use_cpu_model_wrapper


@pytest.fixture(autouse=True)
def _on_the_cpu(monkeypatch):
    monkeypatch.setattr(cpu_distributed, 'get_device', lambda: 'cpu')
    for name in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.delenv(name, raising=False)


def test_the_wrapper_names_no_gpu():
    cfg = Config()
    use_cpu_model_wrapper(cfg)
    assert cfg.model_wrapper_cfg.device_ids is None
    assert cfg.model_wrapper_cfg.type == 'MMSeparateDistributedDataParallel'


def test_synchronised_batchnorm_needs_gpus():
    with pytest.raises(ValueError, match="sync_bn='torch' needs GPUs"):
        use_cpu_model_wrapper(Config(dict(sync_bn='torch')))


def test_launchers(monkeypatch):
    assert not init_cpu_distributed('none')
    with pytest.raises(ValueError, match="launcher='slurm' needs GPUs"):
        init_cpu_distributed('slurm')
    monkeypatch.setenv('RANK', '0')
    with pytest.raises(ValueError, match='variables LOCAL_RANK, WORLD_SIZE, MASTER_ADDR'):
        init_cpu_distributed('pytorch')
