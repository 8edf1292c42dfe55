"""What is measured of a contrast is what a training step does, and changes nothing."""

import copy
import json

import pytest
import torch
from commands import ROOT, load_module
from gan_configs import CONTRAST, FASTGAN
from mmengine.registry import DefaultScope
from mmengine.runner import set_random_seed
from optimisers import optimisers

from mmfncontra.registry import MODELS

MODEL = dict(
    FASTGAN,
    type='LimitedDataGAN',
    augment=dict(type='DiffAugment', policy='color,translation'),
    disc_auxiliary_losses=dict(rec=dict(type='WaveletL1Loss', loss_weight=0.1)),
)
TEXT = """
default_scope = 'mmfncontra'
custom_imports = dict(imports=['mmfncontra.models.gans', 'mmfncontra.datasets'])
model = {model}
train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        type='ProceduralShells', num_images=5, size=64, pipeline=[dict(type='PackImages')]))
val_evaluator = dict(metrics=[dict(
    type='DiscriminatorView',
    heldout=dict(type='ProceduralShells', num_images=3, size=64, seed=1, pipeline=[]))])
"""


def build(**parts):
    with DefaultScope.overwrite_default_scope('mmfncontra'):
        return MODELS.build({**MODEL, **parts})


@pytest.fixture(scope='module')
def program():
    return load_module(ROOT / 'benchmarks' / 'what_contrast_does.py')


def write_run(folder, iterations, **parts):
    folder.mkdir()
    (folder / 'run.py').write_text(TEXT.format(model={**MODEL, **parts}))
    for iteration in iterations:
        torch.manual_seed(iteration)
        state = dict(state_dict=build(**parts).state_dict())
        torch.save(state, folder / f'iter_{iteration}.pth')
    return folder


def test_runs_with_and_without_contrast(program, tmp_path, monkeypatch, capsys):
    with_it = write_run(tmp_path / 'with', [20], contrast=CONTRAST)
    without = write_run(tmp_path / 'no', [3, 20])
    options = ['--batches', '1', '--sample', '4', '--out', str(tmp_path / 'out.json')]
    monkeypatch.setattr('sys.argv', ['what_contrast_does.py', str(with_it), str(without), *options])
    program.main()
    shown = capsys.readouterr().out
    assert '\nno, a run without contrast, means of 1 batches:\n\n| | 3 | 20 |\n' in shown
    found = json.loads((tmp_path / 'out.json').read_text())
    ours, plain = (found[str(folder)] for folder in (with_it, without))
    assert ours['contrast'] and not plain['contrast']
    ours, plain = (each['checkpoints']['20']['mean'] for each in (ours, plain))
    assert ours['grad_trunk/dwcl'] > 0 and 'grad_trunk/dwcl' not in plain
    assert ours['retrieval/embedding'] * 4 in range(5) and 'retrieval/embedding' not in plain
    for values in (ours, plain):
        assert values['grad_gen/gwcl'] > 0 and 'logit/heldout' in values
        assert values['trunk/view'] <= 1 and values['retrieval/trunk'] * 4 in range(5)
    gone = tmp_path / 'gone'
    with pytest.raises(FileNotFoundError, match=r'WORK_DIR must hold checkpoints iter_N\.pth'):
        program.read_run(gone, ROOT / 'configs/_base_/contrast/fncontra.py', None)


def test_measured_is_what_a_step_does(program):
    torch.manual_seed(0)
    model = build(contrast=CONTRAST).train()
    probe = program.ContrastProbe(model)
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    before = copy.deepcopy(model.state_dict())
    set_random_seed(1)
    values = probe.measure(images / 127.5 - 1)
    assert all(torch.equal(before[name], x) for name, x in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    network = model.discriminator.backbone
    assert all(p.requires_grad for p in network.parameters())

    hinges = [
        max(0, values['gwcl_distance/real'] - values[f'gwcl_distance/{k}'] + values[f'weight/{k}'])
        for k in model.contrast.levels
    ]
    assert values['loss_gen/gwcl'] == pytest.approx(0.1 * sum(hinges), rel=1e-4)
    for name in ('real', 'easy'):
        of_taps = [v for key, v in values.items() if key.startswith(f'gwcl_distance/{name}@')]
        assert sum(of_taps) == pytest.approx(values[f'gwcl_distance/{name}'], rel=1e-5)

    set_random_seed(1)
    noise = torch.randn(2, model.noise_size)
    with torch.no_grad():
        fake = [model.augment(image) for image in model.generator(noise)]
    model.disc_losses(images / 127.5 - 1, fake).losses['loss_dwcl'].backward()
    trunk = [p for n, p in network.named_parameters() if n.startswith(('stem', 'down', 'excite'))]
    norm = torch.cat([p.grad.flatten() for p in trunk]).norm()
    assert values['grad_trunk/dwcl'] == pytest.approx(float(norm), rel=1e-3)

    model.load_state_dict(before)
    model.zero_grad()
    set_random_seed(1)
    logs = model.train_step(dict(inputs=images), optimisers(model))
    assert values['sign/real'] == pytest.approx(float(logs['r_t']))
    assert values['loss_disc/dwcl'] == pytest.approx(float(logs['loss_dwcl']), rel=1e-4)
    assert values['loss_disc/adversarial'] == pytest.approx(
        float(logs['loss_real'] + logs['loss_fake']), rel=1e-4
    )


def test_a_view_that_changes_nothing_is_found(program, monkeypatch):
    torch.manual_seed(0)
    model = build(contrast=CONTRAST, augment=None).train()
    monkeypatch.setattr(model.contrast.view, 'forward', lambda images: images)
    probe = program.ContrastProbe(model)
    images = torch.rand(3, 3, 64, 64) * 2 - 1
    values = probe.measure(images) | probe.retrieve(images)
    shares = [values[f'{group}/{space}'] for group in ('retrieval', 'retrieval_view')
              for space in ('embedding', 'trunk')]  # fmt: skip
    assert shares == [1] * 4
    # Not 1: the view passes a norm whose vectors have moved on.
    assert values['embedding/view'] == pytest.approx(1, abs=0.02)
    assert values['embedding/others'] < 0.9
