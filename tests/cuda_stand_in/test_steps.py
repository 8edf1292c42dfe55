"""Whole training steps of each family on the stand-in: what only a GPU refuses or waits for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

STEPS = Path(__file__).with_name('steps.py')
FASTGAN = {'model.generator.base_channels': 4, 'model.discriminator.base_channels': 4}
WAVELET = {'model.disc_auxiliary_losses.rec': dict(_delete_=True, type='WaveletL1Loss')}
ADA = {'model.augment.initial': 0.5, 'model.augment.interval': 1}
STYLEGAN2 = {
    'model.generator.out_size': 8,
    'model.generator.style_channels': 8,
    'model.generator.num_mlps': 1,
    'model.discriminator.in_size': 8,
}
PROJECTED = {
    'model.generator.base_channels': 4,
    'model.discriminator.mix_channels': 4,
    'model.discriminator.feature_size': 64,
}
DCGAN = {'model.generator.base_channels': 32, 'model.discriminator.base_channels': 8}
SAGAN = {'model.generator.base_channels': 8, 'model.discriminator.base_channels': 8}
# Path below `configs`, and what makes it small.
FAMILIES = {
    'fastgan': ('fastgan/fastgan-offline_64', FASTGAN),
    'fastgan-ada': ('fastgan-ada/fastgan-ada_64', {**FASTGAN, **WAVELET, **ADA}),
    'stylegan2-ada': ('stylegan2-ada/stylegan2-ada_64', {**STYLEGAN2, **ADA}),
    'dbig-chain': ('chain/fastgan-dbig-chain-offline', FASTGAN),
    'projected': ('projected/projected-cpu_64', PROJECTED),
    'dcgan': ('dcgan/dcgan', DCGAN),
    'sagan': ('sagan/sagan', SAGAN),
}
# What these have of their own, LPIPS and labels, does not depend on the rest.
VARIANTS = {
    'fastgan-lpips': ('fastgan/fastgan_64', FASTGAN),
    'sagan-cond': ('sagan/sagan-cond_64', SAGAN),
}
VARIANT_MODES = ('float32', 'bfloat16', 'graphs-bfloat16-channels-last', 'deterministic')
CHANNELS_LAST = {'model.channels_last': True}
EAGER = {'model.accelerate': None}
# By themselves, as all families are to be on one GPU, and asked for.
GRAPHS, WANTED_GRAPHS = {'model.accelerate': 'auto'}, {'model.accelerate': 'cuda_graphs'}
MODES = {
    'float32': dict(options=EAGER),
    'bfloat16': dict(amp=True, options=EAGER),
    'channels-last': dict(options={**EAGER, **CHANNELS_LAST}),
    'bfloat16-channels-last': dict(amp=True, options={**EAGER, **CHANNELS_LAST}),
    'graphs': dict(options=GRAPHS),
    'graphs-bfloat16-channels-last': dict(amp=True, options={**WANTED_GRAPHS, **CHANNELS_LAST}),
    'deterministic': dict(deterministic=True, options=EAGER),
}
# StyleGAN2's penalties are due in some iterations only: the path length in every fourth, R1 in
# every sixteenth.
LAZY = 'stylegan2-ada'
# Three ordinary steps, one that is recorded and then replayed, and one that is only replayed.
STEPS_PER_GRAPH, REPLAYS_PER_GRAPH = 5, 2


def case(family, contrast, mode):
    config, options = {**FAMILIES, **VARIANTS}[family]
    settings = MODES[mode]
    if contrast:
        config = f'fncontra/{Path(config).name}'
    if contrast and family == LAZY:  # its images are too small for more
        options = {**options, 'model.contrast.negatives.levels': 3}
    if mode.startswith('graphs'):
        kinds = [16, 1] if family == LAZY else [1]
        iterations = [kind for kind in kinds for _ in range(STEPS_PER_GRAPH)]
    else:
        iterations = [0, 1, 4, 16] if family == LAZY else [0, 1]
    return dict(
        settings,
        name=f'{family}-{"fncontra" if contrast else "baseline"}-{mode}',
        config=config,
        options={**options, **settings['options']},
        iterations=iterations,
    )


CASES = [
    *(case(family, contrast, mode) for family in FAMILIES for contrast in (0, 1) for mode in MODES),
    *(case(family, True, mode) for family in VARIANTS for mode in VARIANT_MODES),
]


@pytest.fixture(scope='module')
def vgg(tmp_path_factory):
    """File with zeros for weights of VGG16, whose values mean nothing here."""
    from torchvision.models import vgg16

    with torch.device('meta'):
        shapes = {f'features.{k}': v.shape for k, v in vgg16().features.state_dict().items()}
    path = tmp_path_factory.mktemp('vgg') / 'vgg16.pth'
    torch.save({name: torch.zeros(shape) for name, shape in shapes.items()}, path)
    return str(path)


@pytest.fixture(scope='module')
def outcomes(stand_in, vgg, request):
    """What became of each case that is to be run, by its name."""
    wanted = {
        getattr(item, 'callspec', None) and item.callspec.id for item in request.session.items
    }
    cases = [
        dict(case, vgg=vgg) if 'lpips' in case['name'] else case
        for case in CASES
        if case['name'] in wanted
    ]
    done = {}
    while cases:
        done |= run(cases, stand_in)
        cases = [case for case in cases if case['name'] not in done]
    return done


def run(cases, environment):
    """Run cases until they are done or the child is; the case in which it dies is to blame."""
    child = subprocess.run(
        [sys.executable, str(STEPS)],
        env=environment,
        input=json.dumps(cases),
        capture_output=True,
        text=True,
    )
    lines = [json.loads(line) for line in child.stdout.splitlines() if line.startswith('{"')]
    assert lines, child.stderr
    done = {line['name']: line for line in lines if 'name' in line}
    begun = lines[-1].get('begins')
    if begun is not None:
        last_words = child.stderr.partition('Extension modules')[0][-3000:]
        done[begun] = dict(faults=[f'the child ended with {child.returncode}: {last_words}'])
    return done


@pytest.mark.parametrize('case', CASES, ids=lambda case: case['name'])
def test_step_keeps_to_the_device(case, outcomes):
    outcome = outcomes[case['name']]
    if outcome['faults']:
        pytest.fail('\n'.join(outcome['faults'][:10]), pytrace=False)
    if case['options']['model.accelerate']:
        graphs = len(set(case['iterations']))
        assert outcome['graph_launches'] == graphs * REPLAYS_PER_GRAPH
        assert outcome['launches'] < 20  # of the last step, which is replayed
    else:
        assert outcome['graph_launches'] == 0
        assert outcome['launches'] > 500
