import torch

from mmfncontra.models.similarity import cosine_to_others


def test_autocast_does_not_round_cosines_to_others():
    query, others = torch.randn(3, 8), torch.randn(5, 8)
    own = others.expand(3, -1, -1)
    plain = cosine_to_others(query, others), cosine_to_others(query, own)
    with torch.autocast('cpu', torch.bfloat16):
        rounded = cosine_to_others(query, others), cosine_to_others(query, own)
    for one, other in zip(plain, rounded, strict=True):
        assert torch.equal(one, other)
