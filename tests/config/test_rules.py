import inspect

import pytest
from mmengine.runner import IterBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from mmfncontra.config.rules import CLOSED, RULES, SECTIONS


@pytest.mark.parametrize(
    ('section', 'function', 'given', 'more'),
    [
        (
            '',
            Runner,
            set(),
            {
                *('custom_imports', 'compile', 'find_unused_parameters', 'model_wrapper_cfg'),
                *('sync_bn', 'runner_type'),
            },
        ),
        ('train_cfg', IterBasedTrainLoop, {'runner', 'dataloader'}, {'type', 'by_epoch'}),
        (
            'train_dataloader',
            DataLoader,
            set(),
            {'type', 'num_batch_per_epoch', 'disable_subprocess_warning'},
        ),
    ],
)
def test_a_section_holds_what_its_reader_takes(section, function, given, more):
    arguments = set(inspect.signature(function.__init__).parameters) - {'self'} - given
    # Older versions of torch and mmengine take a few less.
    assert arguments <= SECTIONS[section] - more
    assert SECTIONS[section] - more - arguments <= {'in_order'}


def test_the_tables_know_each_other():
    assert set(CLOSED) <= set(SECTIONS)
    for key in RULES:
        section, _, name = key.rpartition('.')
        assert section not in CLOSED or name in SECTIONS[section], key
