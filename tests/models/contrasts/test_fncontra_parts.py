"""What FNContra takes and refuses as the parts it is built from."""

import pytest
import torch
from torch import nn

from mmfncontra.models.archs import FastGANDiscriminator
from mmfncontra.models.contrasts import FNContra
from mmfncontra.models.gans import discriminate
from mmfncontra.registry import MODELS


def config(kind):
    return dict(type=f'mmfncontra.{kind}')


NOT_DWCL = (
    'dwcl must be a loss such as DWCLLoss, of which an objective is a part, as in '
    "dict(type='DWCLLoss', objective=dict(type='DCL')), got {}"
)
NOT_GWCL = 'gwcl must be a loss of prototypes such as GWCLLoss, got {}'
NOT_VIEW = 'view must be made of parts such as RandomView, got {}'
NOT_NEGATIVES = 'negatives must be made of parts such as FrequencyNegatives, got {}'


@pytest.mark.parametrize(
    ('argument', 'kind', 'message'),
    [
        ('dwcl', 'RestorationContrastLoss', NOT_DWCL),
        ('dwcl', 'InfoNCE', NOT_DWCL),
        ('dwcl', 'GWCLLoss', NOT_DWCL),
        ('dwcl', 'SelfInformationWeight', NOT_DWCL),
        ('gwcl', 'InfoNCE', NOT_GWCL),
        ('head', 'InfoNCE', 'head must be a head such as WaveletContrastiveHead, got {}'),
        ('weights', 'GWCLLoss', 'weights must be weights such as SelfInformationWeight, got {}'),
        ('gwcl', 'RestorationContrastLoss', NOT_GWCL),
        ('gwcl', 'DWCLLoss', NOT_GWCL),
        ('gwcl', 'FrequencyNegatives', NOT_GWCL),
        ('view', 'InfoNCE', NOT_VIEW),
        ('view', 'FrequencyDiscriminator', NOT_VIEW),
        ('view', 'WaveletContrastiveHead', NOT_VIEW),
        ('view', 'SelfInformationWeight', NOT_VIEW),
        ('view', 'GWCLLoss', NOT_VIEW),
        ('view', 'DWCLLoss', NOT_VIEW),
        ('view', 'RestorationContrastLoss', NOT_VIEW),
        ('negatives', 'InfoNCE', NOT_NEGATIVES),
    ],
)
def test_refuses_a_part_that_plays_another_role(argument, kind, message):
    with pytest.raises(ValueError) as error:
        FNContra(**{argument: config(kind)})
    assert str(error.value) == message.format(kind)
    # A class in the place of its name.
    with pytest.raises(ValueError) as error:
        FNContra(**{argument: dict(type=MODELS.get(kind))})
    assert str(error.value) == message.format(kind)


@pytest.mark.parametrize('argument', ['head', 'dwcl', 'gwcl', 'weights'])
@pytest.mark.parametrize('wrong', ['DWCLLoss', {}, dict(decay=0.5), dict(type=None), [], 0])
def test_refuses_what_is_no_config_with_a_type(argument, wrong):
    with pytest.raises(ValueError) as error:
        FNContra(**{argument: wrong})
    assert str(error.value) == f'{argument} must be a config with a type, got {wrong!r}'


@pytest.mark.parametrize(('argument', 'example'), [
    ('view', 'RandomView'), ('negatives', 'FrequencyNegatives'),
])  # fmt: skip
@pytest.mark.parametrize('wrong', [{}, [{}], dict(num=2), [dict(type=None)], 'RandomView', [5]])
def test_refuses_views_and_negatives_without_a_type(argument, example, wrong):
    said = rf"^{argument} must be a config such as dict\(type='{example}'\) or a list of these"
    with pytest.raises(ValueError, match=said) as error:
        FNContra(**{argument: wrong})
    assert repr(wrong) in str(error.value)
    # One that is right beside it changes nothing.
    with pytest.raises(ValueError, match=said):
        FNContra(**{argument: [config(example), *(wrong if isinstance(wrong, list) else [wrong])]})


class MirroredView(nn.Module):
    def forward(self, images):
        return images.flip(3)


class DarkNegatives(nn.Module):
    LEVELS = ('dark',)

    def forward(self, images):
        return dict(dark=images - 1)


class SquaredDistance(nn.Module):
    """Of what it is given, so that the test can do the same by hand."""

    def forward(self, query, positive, negatives, weights):
        self.given = query, positive, negatives, weights
        return (query - positive).square().sum()


class PrototypeGap(nn.Module):
    def forward(self, fake, real, negatives, weights):
        return sum((a - b).abs().sum() for a, b in zip(fake, real, strict=True))


@pytest.fixture
def own_parts(monkeypatch):
    """Parts of a user's own, registered, that name no role."""
    parts = dict(
        view=MirroredView, negatives=DarkNegatives, dwcl=SquaredDistance, gwcl=PrototypeGap
    )
    for part in parts.values():
        assert not hasattr(part, 'role')
        monkeypatch.setitem(MODELS.module_dict, part.__name__, part)
    return {argument: config(part.__name__) for argument, part in parts.items()}


@pytest.mark.parametrize('argument', ['view', 'negatives', 'dwcl', 'gwcl'])
def test_takes_one_part_of_a_users_own(own_parts, argument):
    part = getattr(FNContra(**{argument: own_parts[argument]}), argument)
    assert f'mmfncontra.{type(part).__name__}' == own_parts[argument]['type']


def test_trains_with_parts_of_a_users_own(own_parts):
    contrast = FNContra(**own_parts)
    assert contrast.levels == ('dark',)
    disc = contrast.wrap(FastGANDiscriminator(64, base_channels=8)).eval()
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    real = discriminate(disc, images, embed=True, prototypes=True)
    losses, prototypes = contrast.disc_loss(disc, images, real.embedding, real.prototypes)
    view, dark = (discriminate(disc, x, embed=True).embedding for x in (images.flip(3), images - 1))
    query, positive, negatives, weights = contrast.dwcl.given
    assert query is real.embedding and list(negatives) == ['dark'] == list(weights)
    torch.testing.assert_close(positive, view)
    torch.testing.assert_close(negatives['dark'], dark)
    torch.testing.assert_close(losses['loss_dwcl'], (query - view).square().sum())
    fake = [torch.zeros_like(p) for p in prototypes.real]
    expected = sum(p.abs().sum().item() for p in real.prototypes)
    assert contrast.gen_loss(fake, prototypes)['loss_gwcl'].item() == pytest.approx(expected)
