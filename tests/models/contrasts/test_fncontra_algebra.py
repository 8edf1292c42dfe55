"""FNContra with other views, negatives and objectives than its own."""

import pytest
import torch

from mmfncontra.models.archs import FastGANDiscriminator
from mmfncontra.models.contrasts import FNContra
from mmfncontra.models.gans import discriminate

FREQUENCY = dict(type='mmfncontra.FrequencyNegatives', levels=3)
BLUR = dict(type='mmfncontra.LowPassNegatives', num=2)
MIXES = dict(type='mmfncontra.SyntheticNegatives', num=4, hardest=3)
ROTATE = dict(type='mmfncontra.RandomView', kinds=['rotate'])
MASK = dict(type='mmfncontra.RandomMasking')
MIXING = dict(type='mmfncontra.FeatureMixing')
OTHERS = dict(type='mmfncontra.DWCLLoss', batch_negatives=True, queue_size=6)


@pytest.fixture
def images():
    return torch.rand(4, 3, 64, 64) * 2 - 1


def step(contrast, images):
    disc = contrast.wrap(FastGANDiscriminator(64, base_channels=8)).train()
    wanted = dict(embed=contrast.embeds, prototypes=contrast.uses_prototypes)
    out = discriminate(disc, images, **wanted)
    return contrast.disc_loss(disc, images, out.embedding, out.prototypes)


def test_levels_of_all_negatives_are_used_together(images):
    contrast = FNContra(negatives=[FREQUENCY, BLUR])
    assert contrast.levels == ('easy', 'middle', 'hard', 'blur1', 'blur2')
    losses, prototypes = step(contrast, images)
    assert losses['loss_dwcl'] > 0 and tuple(prototypes.negatives) == contrast.levels
    assert contrast.similarity.shape == (5,) and contrast.similarity.all()
    contrast.weights.update(contrast.similarity)
    expected = (1 - contrast.similarity) / torch.log(torch.tensor(10.0))
    torch.testing.assert_close(torch.stack(list(contrast.level_weights().values())), expected)


def test_some_levels_of_several_negatives(images):
    contrast = FNContra(negatives=[FREQUENCY, BLUR], difficulties=['blur2', 'easy'])
    assert contrast.difficulties == ('easy', 'blur2')
    _, prototypes = step(contrast, images)
    assert list(prototypes.negatives) == ['easy', 'blur2']
    assert contrast.similarity.nonzero().flatten().tolist() == [0, 4]


def test_views_are_applied_one_after_the_other(images):
    contrast = FNContra(view=[dict(ROTATE, max_angle=90.0), dict(MASK, fill=7.0), MIXING])
    torch.manual_seed(1)
    view = contrast.view(images)
    torch.manual_seed(1)
    rotated = contrast.view[0](images)
    lost = view == 7
    assert 0 < lost.float().mean() < 1
    torch.testing.assert_close(view[~lost], rotated[~lost])
    assert contrast.dwcl.mixing is not None


def test_queue_keeps_positives_that_are_not_mixed(images):
    contrast = FNContra(view=[ROTATE, dict(MIXING, share=(0.5, 0.5))], dwcl=OTHERS)
    seen = []
    contrast.dwcl.mixing.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    step(contrast, images)
    torch.testing.assert_close(contrast.queue.embeddings[:4], seen[0])


def test_everything_at_once(images):
    objective = dict(type='mmfncontra.DebiasedInfoNCE', hardness=1.0)
    contrast = FNContra(
        negatives=[FREQUENCY, BLUR, MIXES],
        view=[ROTATE, MASK, MIXING],
        dwcl=dict(OTHERS, objective=objective),
    )
    losses, prototypes = step(contrast, images)
    losses['loss_dwcl'].backward()
    assert losses['loss_dwcl'].isfinite() and len(prototypes.negatives) == 5
    assert contrast.queue.embeddings[:4].abs().sum(dim=1).all()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(negatives=[MIXES]), 'negatives must have one part or more that acts on images'),
        (dict(view='RandomMasking'), 'view must be a config such as'),
        (dict(negatives=[FREQUENCY, 'blur']), 'negatives must be a config such as'),
        (dict(view=MIXING), 'view must have one part or more that acts on images'),
        (dict(view=[ROTATE, MIXING, MIXING]), 'at most one that acts on embeddings'),
        (dict(negatives=[FREQUENCY, FREQUENCY]), 'negatives must make levels of different names'),
        (dict(negatives=[FREQUENCY, MIXES]), 'SyntheticNegatives mixes negatives that are other'),
        (dict(negatives=[FREQUENCY, MIXES], dwcl=None), 'acts on embeddings, in dwcl, but dwcl is'),
        (
            dict(view=[ROTATE, MIXING], dwcl=dict(OTHERS, mixing=MIXING)),
            'in dwcl, but dwcl.mixing is set too',
        ),
        (dict(negatives=[FREQUENCY, MIXING]), 'negatives must be made of parts such as'),
        (dict(negatives=ROTATE), 'negatives must be made of parts such as'),
        (dict(view=FREQUENCY), 'view must be made of parts such as'),
        (dict(view=[ROTATE, MIXES]), 'view must be made of parts such as'),
        (dict(negatives=5), 'negatives must be a config such as'),
        (dict(weights=dict(type='SelfInformationWeight', levels=5)), 'one weight for each of the'),
        (dict(weights=dict(type='SelfInformationWeight', levels=2)), 'one weight for each of the'),
        (dict(dwcl=dict(type='DCL')), 'dwcl must be a loss such as DWCLLoss'),
        (dict(dwcl=dict(type='GWCLLoss')), 'dwcl must be a loss such as DWCLLoss'),
        (dict(gwcl=dict(type='DWCLLoss')), 'gwcl must be a loss of prototypes'),
        (dict(negatives=BLUR, difficulties=['hard']), r"some of \('blur1', 'blur2'\)"),
        (
            dict(negatives=BLUR, weights=dict(type='SelfInformationWeight', init=[1, 2, 3])),
            'init must be one or 2 numbers',
        ),
    ],
)
def test_refuses_in_one_sentence_what_does_not_go_together(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        FNContra(**arguments)
    assert '\n' not in str(error.value) and len(str(error.value)) < 250


@pytest.mark.parametrize(
    ('part', 'smallest'),
    [
        (dict(negatives=dict(BLUR, sigma=(1.0, 30.0))), 91),
        (dict(view=dict(MASK, blocks=80)), 80),
        (dict(view=[ROTATE, dict(type='mmfncontra.HighBoostView', sigma=25.0)]), 76),
    ],
)
def test_refuses_parts_that_the_images_are_too_small_for(part, smallest):
    with pytest.raises(
        ValueError, match=f'needs images of {smallest} pixels or more a side, got 64'
    ):
        FNContra(**part).wrap(FastGANDiscriminator(64, base_channels=8))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_embeddings_of_half_precision(dtype):
    contrast = FNContra(
        negatives=[FREQUENCY, MIXES],
        view=[ROTATE, MIXING],
        dwcl=dict(OTHERS, objective=dict(type='mmfncontra.DebiasedInfoNCE', hardness=1.0)),
    )
    x = torch.randn(5, 6, 16).to(dtype)
    x[1, 2] = 0  # a positive of zeros
    x[1, 3] *= 5000  # whose squares are beyond the range of float16
    past = torch.randn(6, 16)
    query = x[0].clone().requires_grad_()
    levels = dict(zip(contrast.levels, x[2:], strict=True))
    torch.manual_seed(1)
    loss = contrast.dwcl(query, x[1], levels, torch.ones(3), past=past)
    loss.backward()
    torch.manual_seed(1)
    doubles = {level: value.double() for level, value in levels.items()}
    exact = contrast.dwcl(x[0].double(), x[1].double(), doubles, torch.ones(3), past=past.double())
    assert loss.dtype == torch.float32 and query.grad.isfinite().all()
    assert loss.item() == pytest.approx(exact.item(), rel=1e-4)
