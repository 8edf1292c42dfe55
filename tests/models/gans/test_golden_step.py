"""One discriminator and one generator step against the reference outputs."""

from functools import partial

import numpy as np
import pytest
import torch
from commands import load_module

from mmfncontra.models.archs import FastGANDiscriminator, FastGANGenerator, convert_fastgan
from mmfncontra.models.contrasts import FNContra
from mmfncontra.models.gans import discriminate
from mmfncontra.models.losses import prototype_distance


def close(ours, reference, relative=1e-4):
    """Largest deviation relative to the reference's largest value."""
    reference = torch.as_tensor(reference, dtype=torch.float32)
    return (ours.detach() - reference).abs().max() <= relative * reference.abs().max()


@pytest.fixture(scope='module', autouse=True)
def _two_threads():
    # The order of sums depends on their number.
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='module')
def step(golden):
    """Everything the reference step holds, computed by this package in the reference's order.

    GWCL's gradient is a small difference of large terms: oneDNN's convolutions, which differ from
    one processor to the next, move it by 1e-4 in the generator through float32 rounding alone.
    ATen's own convolutions do not, so the generator runs with those.
    """
    reference_state = load_module(golden('reference_state.py'))
    reference = np.load(golden('fastgan256_step.npz'))
    state = convert_fastgan(
        dict(
            g=reference_state.reference_state('generator'),
            d=reference_state.reference_state('discriminator'),
        ),
        contrast=True,
    )

    def part(prefix):
        return {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}

    contrast = FNContra(view=dict(type='mmfncontra.RandomView', kinds=['hflip']))
    draw = contrast.negatives.forward
    contrast.negatives.forward = partial(draw, middle='LH', hard=('LH', 'HL'))
    generator = FastGANGenerator(256).train()
    generator.load_state_dict(part('generator.'))
    disc = contrast.wrap(FastGANDiscriminator(256)).train()
    disc.load_state_dict(part('discriminator.'))

    real = torch.from_numpy(reference['real'].astype(np.float32))
    with torch.backends.mkldnn.flags(enabled=False):
        fake = generator(torch.from_numpy(reference['z']))
    # The quadrant is fixed to the reference's; everything else runs as in training.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, 'randint', lambda *_, **__: torch.zeros(1, dtype=torch.long))
        on_real = discriminate(disc, real, decode=True, embed=True, prototypes=True)
    fake_logits = discriminate(disc, [x.detach() for x in fake]).logits
    losses, prototypes = contrast.disc_loss(disc, real, on_real.embedding, on_real.prototypes)
    losses['loss_dwcl'].backward()
    disc_grads = {name: p.grad.norm() for name, p in disc.named_parameters() if p.grad is not None}
    on_fake = discriminate(disc, fake, prototypes=True)
    gwcl = contrast.gen_loss(on_fake.prototypes, prototypes)['loss_gwcl']
    with torch.backends.mkldnn.flags(enabled=False):
        gwcl.backward()
    gen_grads = {
        name: p.grad.norm() for name, p in generator.named_parameters() if p.grad is not None
    }
    return dict(
        reference=reference,
        fake=fake,
        on_real=on_real,
        fake_logits=fake_logits,
        prototypes=prototypes,
        on_fake=on_fake,
        dwcl=losses['loss_dwcl'],
        gwcl=gwcl,
        disc_grads=disc_grads,
        gen_grads=gen_grads,
        similarity=contrast.similarity,
    )


def by_branch(logits):
    """The reference flattens the logits over the batch, big branch first."""
    return torch.cat([logits[:, :25].flatten(), logits[:, 25:].flatten()])


def test_images_and_logits(step):
    reference = step['reference']
    assert close(step['fake'][0], reference['fake_256'].astype(np.float32), 1e-3)
    assert close(step['fake'][1], reference['fake_128'].astype(np.float32), 1e-3)
    assert close(by_branch(step['on_real'].logits), reference['pred_real'])
    assert close(by_branch(step['fake_logits']), reference['pred_fake'])
    assert close(by_branch(step['on_fake'].logits), reference['pred_g'])


def test_reconstructions(step):
    for name, ours in zip(('big', 'small', 'part'), step['on_real'].reconstructions, strict=True):
        assert close(ours, step['reference'][f'rec_{name}'])


def test_embedding_and_similarity(step):
    reference = step['reference']
    assert close(step['on_real'].embedding, reference['emb_real'])
    real = torch.from_numpy(reference['emb_real'])
    for i, level in enumerate(('easy', 'middle', 'hard')):
        expected = torch.cosine_similarity(real, torch.from_numpy(reference[f'emb_{level}'])).mean()
        assert step['similarity'][i] == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize('level', range(5))
def test_prototypes(step, level):
    reference, ours = step['reference'], step['prototypes']
    assert close(ours.real[level], reference[f'proto_real_{level}'])
    assert close(step['on_fake'].prototypes[level], reference[f'proto_fake_{level}'])
    for name, maps in ours.negatives.items():
        assert close(maps[level], reference[f'proto_{name}_{level}'])


def test_losses_and_distances(step):
    reference, ours, fake = step['reference'], step['prototypes'], step['on_fake'].prototypes
    assert step['dwcl'].item() == pytest.approx(float(reference['dwcl']), rel=1e-4)
    assert step['gwcl'].item() == pytest.approx(float(reference['gwcl']), rel=1e-4)
    distances = [prototype_distance(fake, p) for p in (ours.real, *ours.negatives.values())]
    np.testing.assert_allclose(
        torch.stack(distances).detach().numpy(), reference['gwcl_distances'], rtol=1e-4
    )


def test_gradient_norms(step):
    reference = step['reference']
    ours = {
        'dwcl.project_feat_last.0.weight': step['disc_grads']['head.projector.0.weight'],
        'dwcl.down_64.main.0.weight_orig': step['disc_grads']['backbone.down_8.main.0.weight_orig'],
        'dwcl.down_4.main.0.weight_orig': step['disc_grads'][
            'backbone.down_128.main.0.weight_orig'
        ],
        'gwcl.init.init.0.weight_orig': step['gen_grads']['initial.0.weight_orig'],
        'gwcl.feat_128.1.weight_orig': step['gen_grads']['up_128.1.weight_orig'],
    }
    for name, norm in ours.items():
        assert norm.item() == pytest.approx(float(reference[f'grad_norm.{name}']), rel=1e-4), name
