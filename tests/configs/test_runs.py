"""A few iterations of a config of each family, small, interrupted and resumed."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from short_runs import ADA, DCGAN, FASTGAN, PROJECTED, SAGAN, STYLEGAN2, logged, train

# Options, what is logged beside the adversarial losses, and a buffer that must be saved.
FAMILIES = {
    'stylegan2-ada/stylegan2-ada': (
        {**STYLEGAN2, **ADA},
        {'p_ada', 'loss_r1', 'loss_path'},
        'augment.strength.value',
    ),
    'fastgan-ada/fastgan-ada_shells': (
        {**FASTGAN, **ADA},
        {'p_ada', 'loss_rec'},
        'augment.strength.value',
    ),
    'chain/fastgan-dbig-chain': (
        FASTGAN,
        {'p_chain', 'loss_0mr', 'loss_rec'},
        'regularisers.chain.strength.heuristic',
    ),
    'nice/fastgan-nice_shells': (
        {**FASTGAN, 'model.regularisers.nice.initial': 0.5},
        {'beta_nice', 'loss_nice_real', 'loss_nice_fake', 'loss_nice_generator'},
        'regularisers.nice.strength.value',
    ),
    'lecam/fastgan-lecam_shells': (
        {**FASTGAN, 'model.disc_auxiliary_losses.lecam.warmup': 1},
        {'loss_lecam', 'loss_rec'},
        'disc_auxiliary_losses.lecam.alpha_real',
    ),
    'apa/fastgan-apa_shells': (
        {**FASTGAN, 'model.pseudo_real.initial': 0.5, 'model.pseudo_real.interval': 1},
        {'p_apa', 'loss_rec'},
        'pseudo_real.strength.value',
    ),
    'projected/projected-cpu_64': (
        PROJECTED,
        set(),
        'generator_ema.steps',
    ),
    'dcgan/dcgan': (DCGAN, set(), 'generator_ema.steps'),
    'sagan/sagan': (SAGAN, set(), 'generator_ema.steps'),
    'sagan/sagan-cond_64': (SAGAN, set(), 'generator_ema.steps'),
}


@pytest.fixture(scope='module')
def two_classes(tmp_path_factory):
    folder = tmp_path_factory.mktemp('classes')
    for i, image in enumerate(np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3))):
        path = folder / ('cones', 'whelks')[i % 2] / f'{i}.png'
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image.astype(np.uint8)).save(path)
    return folder


@pytest.mark.parametrize(
    'contrast',
    [pytest.param(False, marks=pytest.mark.slow, id='baseline'), pytest.param(True, id='fncontra')],
)
@pytest.mark.parametrize('name', FAMILIES)
def test_trains_and_resumes(name, contrast, two_classes, tmp_path):
    options, own_logs, buffer = FAMILIES[name]
    data = two_classes if 'cond' in name else None
    if contrast:
        name = f'fncontra/{Path(name).name}'
        options = {**options, 'model.contrast.negatives.levels': 3}
        own_logs = own_logs | {'loss_dwcl', 'loss_gwcl', 'weight_easy', 'similarity_hard'}
    train(name, tmp_path, data, options, 2)
    assert (tmp_path / 'samples/iter_000002.png').stat().st_size > 0
    saved = torch.load(tmp_path / 'iter_2.pth', weights_only=True, mmap=True)
    state = saved['state_dict']
    assert buffer in state
    if contrast:
        # The checkpoint of a StyleGAN2 is large at any size: one is enough.
        options = {**options, 'default_hooks.checkpoint': None}
        runner = train(name, tmp_path, data, options, 3, resume='auto')
        assert runner.iter == 3
        assert runner.model.generator_ema.steps == state['generator_ema.steps'] + 1
        for network in ('generator', 'discriminator'):
            optimiser = runner.optim_wrapper[network].optimizer
            assert {int(s['step']) for s in optimiser.state.values()} == {3}
    scalars = logged(tmp_path)
    wanted = {'loss_disc', 'loss_gen', 'loss_real', 'loss_fake', 'loss_adv', 'r_t'} | own_logs
    assert wanted <= set(scalars)
    for key in wanted:
        assert all(math.isfinite(value) for value in scalars[key]), key
    assert len(scalars['loss_gen']) == (3 if contrast else 2)
    (tmp_path / 'iter_2.pth').unlink()
