import pytest
import torch

from mmfncontra.models.archs import FastGANDiscriminator
from mmfncontra.models.contrasts import EmbeddingQueue, FNContra
from mmfncontra.models.gans import discriminate


def test_first_in_first_out():
    queue = EmbeddingQueue(5, 1)
    pushed = []
    for batch in ([1.0, 2], [3.0, 4], [5.0, 6]):
        queue.push(torch.tensor(batch).unsqueeze(1))
        pushed = [*batch, *pushed]
        expected = (pushed + [0.0] * 5)[:5]
        assert queue.embeddings.flatten().tolist() == expected
    queue.push(torch.full((7, 1), 9.0))
    assert queue.embeddings.flatten().tolist() == [9.0] * 5


def test_what_is_not_finite_is_not_kept():
    queue = EmbeddingQueue(2, 2)
    queue.push(torch.tensor([[1.0, float('nan')], [1.0, 2.0]]))
    assert queue.embeddings.tolist() == [[0, 0], [1, 2]]


@pytest.mark.parametrize('arguments', [(0, 2), (2, 0), (1.5, 2)])
def test_refuses(arguments):
    with pytest.raises(ValueError, match='must be a positive integer'):
        EmbeddingQueue(*arguments)


def test_contrast_keeps_positives_for_its_loss():
    contrast = FNContra(gwcl=None, dwcl=dict(type='mmfncontra.DWCLLoss', queue_size=3))
    disc = contrast.wrap(FastGANDiscriminator(64, base_channels=8)).train()
    real = torch.rand(2, 3, 64, 64) * 2 - 1

    def step():
        embedding = discriminate(disc, real, embed=True).embedding
        losses, _ = contrast.disc_loss(disc, real, embedding, None)
        return losses['loss_dwcl']

    def filled():
        return (contrast.queue.embeddings != 0).any(dim=1).tolist()

    first = step()
    assert filled() == [True, True, False]
    newest = contrast.queue.embeddings[:2].clone()
    second = step()
    assert filled() == [True] * 3
    assert torch.equal(contrast.queue.embeddings[2], newest[0])
    (first + second).backward()  # the queue may move on before
    # Two more terms in each denominator.
    assert second > first
    assert set(contrast.state_dict()) == {'weights.weight', 'weights.started', 'queue.embeddings'}


def test_without_a_queue_size_there_is_none():
    contrast = FNContra()
    contrast.wrap(FastGANDiscriminator(64, base_channels=8))
    assert contrast.queue is None
