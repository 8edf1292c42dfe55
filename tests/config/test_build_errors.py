import pytest
from mmengine.config import Config

from mmfncontra.config.build_errors import explain_build_errors
from mmfncontra.registry import DATASETS, MODELS


@pytest.mark.parametrize(
    ('cfg', 'said'),
    [
        (dict(type='HingeGANLos'), r"^type: there is no model 'HingeGANLos'; .*HingeGANLoss"),
        (dict(type='mmfncontra.DifAugment'), r'did you mean DiffAugment'),
        (dict(type='Zzzzzzzzzz'), r'custom_imports\?$'),
    ],
)
def test_near_names(cfg, said):
    with pytest.raises(ValueError, match=said), explain_build_errors(Config(cfg)):
        MODELS.build(cfg)


def test_the_key_is_named():
    cfg = Config(dict(a=[dict(b=dict(type='FewShotDatasets'))]))
    said = r'^a\.0\.b\.type: there is no dataset .*FewShotDataset'
    with pytest.raises(ValueError, match=said), explain_build_errors(cfg):
        DATASETS.build(cfg.a[0].b)


def test_other_faults_pass():
    with pytest.raises(KeyError, match='x'), explain_build_errors({}):
        {}['x']


def test_wrong_arguments_are_behind_their_key():
    cfg = Config(dict(a=[dict(type='DWCLLoss', temprature=1.0)], b=dict(type='DWCLLoss')))
    said = r"^a\.0: DWCLLoss has no argument 'temprature'; did you mean 'temperature'\?$"
    with pytest.raises(ValueError, match=said), explain_build_errors(cfg):
        MODELS.build(cfg.a[0])
    cfg.b.temperature = 'hot'
    with (
        pytest.raises(ValueError, match=r"^b\.temperature must be a number, got 'hot'$"),
        explain_build_errors(cfg),
    ):
        MODELS.build(cfg.b)
    cfg.b.temperature = -1.0
    with (
        pytest.raises(ValueError, match=r'^b\.temperature must be positive, got -1\.0$'),
        explain_build_errors(cfg),
    ):
        MODELS.build(cfg.b)


def test_a_type_of_another_scope():
    with (
        pytest.raises(ValueError, match=r'did you mean mmfncontra\.DWCLLoss\?$'),
        explain_build_errors(Config(dict(default_scope='other', type='DWCLLoss'))),
    ):
        MODELS.build(dict(type='other.DWCLLoss'))


def test_faults_in_a_constructor_pass():
    def broken():
        return None.x

    with (
        pytest.raises(AttributeError, match="'x'"),
        explain_build_errors(Config(dict(a=dict(type='broken')))),
    ):
        MODELS.build(dict(type=broken))
