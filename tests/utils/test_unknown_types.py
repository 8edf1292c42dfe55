import pytest
from mmengine.config import Config

from mmfncontra.registry import DATASETS, MODELS
from mmfncontra.utils.unknown_types import explain_unknown_types


@pytest.mark.parametrize(
    ('cfg', 'said'),
    [
        (dict(type='HingeGANLos'), r"^type: there is no model 'HingeGANLos'; .*HingeGANLoss"),
        (dict(type='mmfncontra.DifAugment'), r'did you mean DiffAugment'),
        (dict(type='Zzzzzzzzzz'), r'custom_imports\?$'),
    ],
)
def test_near_names(cfg, said):
    with pytest.raises(ValueError, match=said), explain_unknown_types(Config(cfg)):
        MODELS.build(cfg)


def test_the_key_is_named():
    cfg = Config(dict(a=[dict(b=dict(type='FewShotDatasets'))]))
    said = r'^a\.0\.b\.type: there is no dataset .*FewShotDataset'
    with pytest.raises(ValueError, match=said), explain_unknown_types(cfg):
        DATASETS.build(cfg.a[0].b)


def test_other_faults_pass():
    with pytest.raises(KeyError, match='x'), explain_unknown_types({}):
        {}['x']
