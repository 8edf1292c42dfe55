"""The plans of studies name configs that there are and options that they read."""

import copy
import functools

import pytest
from commands import ROOT

from mmfncontra.apis import apply_overrides, parse_options
from mmfncontra.apis.ablation.variants import check_variants, read_variants
from mmfncontra.config.load import load_config

PLANS = sorted((ROOT / 'benchmarks').rglob('*.yaml'))
load = functools.cache(load_config)


@pytest.mark.parametrize('path', PLANS, ids=lambda path: path.stem)
def test_plan(path):
    variants = read_variants(path)
    check_variants(variants)
    budgets = set()
    for variant in variants:
        cfg = copy.deepcopy(load(ROOT / variant.config))
        apply_overrides(cfg, parse_options(variant.options))
        budgets.add(cfg.train_cfg.max_iters)
    # All variants of a plan get as many images, but in the two that say otherwise.
    assert len(budgets) == 1 or path.stem in ('equal_time', 'fastgan_64_pilot')
