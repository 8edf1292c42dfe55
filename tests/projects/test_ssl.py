import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import DefaultScope
from ssl_models import SSL, build_ssl_model, ssl_config

# What has to do with contrast, with the arguments that it cannot do without.
COMPONENTS = {
    'DCL': {},
    'DCLW': {},
    'DWCLLoss': dict(
        batch_negatives=True,
        objective=dict(type='mmfncontra.DebiasedInfoNCE'),
        synthetic=dict(type='mmfncontra.SyntheticNegatives'),
    ),
    'DebiasedInfoNCE': {},
    'FNContra': dict(
        negatives=dict(type='mmfncontra.LowPassNegatives'),
        view=[dict(type=f'mmfncontra.{name}') for name in ('RandomView', 'RandomMasking')],
    ),
    'FeatureMixing': {},
    'FrequencyDiscriminator': {},
    'FrequencyNegatives': {},
    'GWCLLoss': {},
    'HighBoostView': {},
    'InfoNCE': {},
    'LowPassNegatives': {},
    'RandomMasking': {},
    'RandomView': {},
    'RestorationContrastLoss': {},
    'SelfInformationWeight': {},
    'SyntheticNegatives': {},
    'WaveletContrastiveHead': {},
}
# Registered beside them, but no part of a contrast.
OTHERS = {
    *('ADA', 'APA', 'DiffAugment', 'HingeGANLoss', 'LogisticGANLoss', 'LPIPSReconstructionLoss'),
    *('LeCamLoss', 'PathLengthPenalty', 'R1Penalty', 'WaveletL1Loss'),
    *('FastGANGenerator', 'FastGANDiscriminator', 'FastGANBigDiscriminator'),
    *('FastGANLiteGenerator', 'ProjectedDiscriminator'),
}
ROOMS = (
    *('archs', 'augments', 'contrasts', 'heads', 'layers', 'losses', 'negatives', 'objectives'),
    *('views', 'wavelets'),
)
CONFIGS = sorted(SSL.glob('configs/*.py'))
PARTS = {
    'masking-mixing': dict(view='RandomMasking', mixing='FeatureMixing', objective='InfoNCE'),
    'sscl': dict(synthetic='SyntheticNegatives', objective='DebiasedInfoNCE'),
    'dcl': dict(objective='DCL'),
}


class Blank(torch.nn.Module):
    def forward(self, images):
        return torch.full_like(images, 0.5)


class Flipped(torch.nn.Module):
    def forward(self, embeddings):
        return embeddings.flip(0)


def _variant(name, **parts):
    """The contrastive model in the place of the plain one of a config, and that one."""
    config = ssl_config(f'{name}_digits').model
    if name == 'mocov2':
        config.queue_len = 12
    plain = build_ssl_model(config)
    kind = {'simclr': 'ContrastSimCLR', 'mocov2': 'ContrastMoCo'}[name]
    model = build_ssl_model(dict(config, type=kind, **parts))
    model.load_state_dict(plain.state_dict())
    return model, plain


def _views():
    return [torch.randn(6, 3, 32, 32) for _ in range(2)]


@pytest.mark.parametrize('name', ['simclr', 'mocov2'])
@pytest.mark.parametrize(
    'parts',
    [{}, dict(mixing=dict(type='mmfncontra.FeatureMixing', share=(1 - 1e-7, 1.0)))],
    ids=['', 'mixing of next to nothing'],
)
def test_info_nce_is_the_loss_of_mmpretrain(name, parts):
    model, plain = _variant(name, **parts)
    for _ in range(3):  # the queue of MoCo and its key encoder move on
        views = _views()
        losses, gradients = [], []
        for each in (model, plain):
            losses.append(each.loss(views, [])['loss'])
            gradients.append(torch.autograd.grad(losses[-1], list(each.backbone.parameters())))
        torch.testing.assert_close(*losses)
        torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-5)
    if name == 'mocov2':
        torch.testing.assert_close(model.queue, plain.queue)
        assert int(model.queue_ptr) == int(plain.queue_ptr) == 6


def _embeddings(model, views):
    embeddings = model.neck(model.backbone(torch.cat(views)))[0].detach()
    return F.normalize(embeddings.double(), dim=1)


def test_simclr_with_dcl_is_a_plain_loop():
    model, _ = _variant('simclr', objective=dict(type='mmfncontra.DCL', temperature=0.5))
    views = _views()
    cosines = _embeddings(model, views) @ _embeddings(model, views).T
    terms = []
    for i in range(12):
        partner = (i + 6) % 12
        negatives = [math.exp(cosines[i, j] / 0.5) for j in range(12) if j not in (i, partner)]
        terms.append(-float(cosines[i, partner]) / 0.5 + math.log(sum(negatives)))
    loss = model.loss(views, [])['loss']
    assert float(loss.detach()) == pytest.approx(sum(terms) / 12, rel=1e-5)


class Mixes(torch.nn.Module):
    """Gives the same mixes to whoever asks, and keeps what it was asked."""

    def __init__(self, mixes):
        super().__init__()
        self.mixes, self.asked = mixes, []

    def forward(self, *arguments):
        self.asked.append(arguments)
        return self.mixes


@pytest.mark.parametrize('some', [True, False])
def test_contrast_is_a_plain_loop_over_others_and_own_mixes(some):
    from projects.ssl import Contrast

    query, positive = torch.randn(2, 4, 5, dtype=torch.float64)
    others, mixes = torch.randn(7, 5).double(), torch.randn(4, 3, 5).double()
    is_other = torch.rand(4, 7) > 0.4 if some else None
    contrast = Contrast(0.2, dict(type='mmfncontra.InfoNCE'))
    contrast.synthetic = Mixes(mixes)
    terms = []
    for i in range(4):
        negatives = [others[j] for j in range(7) if is_other is None or is_other[i, j]]
        logits = [
            float(torch.cosine_similarity(query[i], x, dim=0)) / 0.2
            for x in (positive[i], *negatives, *mixes[i])
        ]
        terms.append(-logits[0] + math.log(sum(map(math.exp, logits))))
    loss = contrast(query, positive, others, is_other)
    assert float(loss) == pytest.approx(sum(terms) / 4, rel=1e-9)
    # They are mixed of those that are negatives of the query.
    (asked,) = contrast.synthetic.asked
    assert asked[0] is query and asked[1] is others and asked[2] is is_other


@pytest.mark.parametrize('name', ['simclr', 'mocov2'])
def test_synthetic_negatives_join_the_others(name):
    mixes = dict(type='mmfncontra.SyntheticNegatives', num=5, hardest=3)
    model, plain = _variant(name, synthetic=mixes)
    views = _views()
    assert model.loss(views, [])['loss'] > plain.loss(views, [])['loss']


@pytest.mark.parametrize('name', ['simclr', 'mocov2'])
def test_the_view_is_that_of_one_of_two_images(name):
    model, plain = _variant(name)
    model.contrast.view = Blank()
    first, second = _views()
    expected = plain.loss([torch.full_like(first, 0.5), second], [])['loss']
    torch.testing.assert_close(model.loss([first, second], [])['loss'], expected)


def test_positives_are_mixed_within_their_view():
    model, _ = _variant('simclr')
    model.contrast.mixing = Flipped()
    views = _views()
    embeddings = _embeddings(model, views)
    cosines = embeddings @ embeddings.T / model.head.temperature
    terms = []
    for i in range(12):
        partner = (i + 6) % 12
        others = [float(cosines[i, j]) for j in range(12) if j not in (i, partner)]
        logits = torch.tensor([float(cosines[i, 11 - i]), *others])
        terms.append(float(logits.logsumexp(0) - logits[0]))
    loss = model.loss(views, [])['loss'].detach()
    assert float(loss) == pytest.approx(np.mean(terms), rel=1e-4)


def test_the_queue_keeps_what_was_not_mixed():
    model, plain = _variant('mocov2')
    model.contrast.mixing = Flipped()
    views = _views()
    losses = [float(each.loss(views, [])['loss'].detach()) for each in (model, plain)]
    assert losses[0] != pytest.approx(losses[1], rel=1e-4)
    torch.testing.assert_close(model.queue, plain.queue)


def test_a_rank_knows_its_own_images_among_all():
    from projects.ssl import ContrastSimCLR

    # The second of three ranks with two images: its embeddings are rows 4 to 7 of 12.
    expected = np.zeros((4, 12), dtype=bool)
    for i in range(4):
        expected[i, [4 + i, 4 + (i + 2) % 4]] = True
    assert np.array_equal(ContrastSimCLR._is_own(torch.ones(4, 3), 12, 4), expected)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_configs_build_what_they_are_named_after(path):
    model = build_ssl_model(ssl_config(path.stem).model)
    method, _, variant = path.stem.partition('_')[0].partition('-')
    base = dict(simclr='SimCLR', mocov2='MoCo')[method]
    if not variant:
        assert type(model).__name__ == base and type(model).__module__.startswith('mmpretrain.')
        return
    assert type(model).__name__ == f'Contrast{base}'
    used = {
        name: type(part).__name__
        for name in ('objective', 'synthetic', 'view', 'mixing')
        if type(part := getattr(model.contrast, name)) not in (torch.nn.Identity, type(None))
    }
    assert used == PARTS[variant]
    assert model.contrast.objective.temperature == model.head.temperature


def test_every_variant_has_a_config():
    names = {
        f'{method}{variant}_{data}'
        for method in ('simclr', 'mocov2')
        for variant in ('', *(f'-{name}' for name in PARTS))
        for data in ('digits', 'hats_shoes')
    }
    assert {path.stem for path in CONFIGS} == names


@pytest.mark.parametrize('name', COMPONENTS)
def test_components_are_built_by_prefix_in_the_scope_of_mmpretrain(name):
    from mmpretrain.registry import MODELS

    with DefaultScope.overwrite_default_scope('mmpretrain'):
        component = MODELS.build(dict(type=f'mmfncontra.{name}', **COMPONENTS[name]))
    assert type(component).__name__ == name


def test_no_contrastive_component_is_left_out():
    from mmfncontra.registry import MODELS

    assert MODELS.get('DCL') is not None  # imports all rooms
    registered = {
        name
        for name, kind in MODELS.module_dict.items()
        if kind.__module__.startswith(tuple(f'mmfncontra.models.{room}.' for room in ROOMS))
    }
    assert registered - OTHERS == set(COMPONENTS)
