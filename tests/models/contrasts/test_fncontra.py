import pytest
import torch

from mmfncontra.models.archs import FastGANDiscriminator
from mmfncontra.models.contrasts import FNContra
from mmfncontra.models.gans import discriminate


def small(contrast):
    return contrast.wrap(FastGANDiscriminator(64, base_channels=8)).train()


def run(contrast):
    disc = small(contrast)
    real = torch.rand(2, 3, 64, 64) * 2 - 1
    wanted = dict(embed=contrast.embeds, prototypes=contrast.uses_prototypes)
    out = discriminate(disc, real, **wanted)
    return disc, *contrast.disc_loss(disc, real, out.embedding, out.prototypes)


def test_default_gives_both_losses():
    contrast = FNContra()
    disc, losses, prototypes = run(contrast)
    assert list(losses) == ['loss_dwcl']
    losses['loss_dwcl'].backward()
    assert disc.head.projector[0].weight.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in prototypes.real)
    fake = discriminate(disc, torch.rand(2, 3, 64, 64), prototypes=True).prototypes
    assert list(contrast.gen_loss(fake, prototypes)) == ['loss_gwcl']
    assert contrast.similarity.abs().max() <= 1 and contrast.similarity.all()


def test_parts_switch_off():
    disc, losses, prototypes = run(FNContra(dwcl=None))
    assert not losses and prototypes is not None and disc.head.projector is None
    _, losses, prototypes = run(FNContra(gwcl=None))
    assert list(losses) == ['loss_dwcl'] and prototypes is None


@pytest.mark.parametrize('level', ['easy', 'middle', 'hard'])
def test_one_level_alone(level):
    contrast = FNContra(difficulties=[level])
    _, losses, prototypes = run(contrast)
    assert list(prototypes.negatives) == [level] == list(contrast.level_weights())
    index = ('easy', 'middle', 'hard').index(level)
    assert contrast.similarity.nonzero().flatten().tolist() == [index]
    assert losses['loss_dwcl'] > 0


def test_refuses():
    with pytest.raises(ValueError, match='dwcl and gwcl are both None'):
        FNContra(dwcl=None, gwcl=None)
    with pytest.raises(ValueError, match='difficulties must be some of'):
        FNContra(difficulties=['simple'])
    with pytest.raises(ValueError, match='difficulties'):
        FNContra(difficulties=[])
    with pytest.raises(ValueError, match="no submodule 'nowhere'"):
        small(FNContra(taps=['nowhere']))
