import pytest
import torch

from mmfncontra.models.sampling.per_image_draws import PerImageDraws

SEEDS = [3, 2**61 + 5, 8]
KINDS = {
    'randn': lambda b: torch.randn(b, 1, 5, 4),
    'few': lambda b: torch.randn(b, 3),  # below 16 numbers torch draws in another way
    'double': lambda b: torch.randn((b, 2), dtype=torch.float64),
    'half': lambda b: torch.randn(b, 1, 6, 6, dtype=torch.bfloat16),
    'rand': lambda b: torch.rand(b, 20),
    'randn_like': lambda b: torch.randn_like(torch.zeros(b, 2, 3, 3)),
    'channels_last': lambda b: torch.randn_like(
        torch.zeros(b, 4, 3, 5).contiguous(memory_format=torch.channels_last)
    ),
    'rand_like': lambda b: torch.rand_like(torch.zeros(b, 2)),
    'normal_': lambda b: torch.zeros(b, 1, 4, 4).new_empty(b, 1, 4, 4).normal_(),
    'normal_ of a mean': lambda b: torch.empty(b, 30).normal_(2.0, std=0.5),
    'uniform_': lambda b: torch.empty(b, 7).uniform_(-1, 1),
    'bernoulli_': lambda b: torch.empty(b, 40).bernoulli_(0.3),
    'several': lambda b: torch.cat([torch.randn(b, 3), torch.rand(b, 5), torch.randn(b, 17)], 1),
}


def _alone(draw, seeds):
    rows = []
    for seed in seeds:
        torch.manual_seed(seed)
        rows.append(draw(1))
    return torch.cat(rows)


@pytest.mark.parametrize('kind', KINDS)
def test_rows_are_the_draws_of_each_image_alone(kind):
    draw = KINDS[kind]
    expected = _alone(draw, SEEDS)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    with PerImageDraws(SEEDS) as draws:
        found = draw(3)
    assert found.dtype == expected.dtype and torch.equal(found, expected)
    assert torch.equal(torch.get_rng_state(), state)
    assert draws.shapes == (
        [(3,), (5,), (17,)] if kind == 'several' else [tuple(expected.shape[1:])]
    )


@pytest.mark.parametrize(
    'draw',
    [
        lambda: torch.randn(()),
        lambda: torch.randn(1, 4),
        lambda: torch.randn(4, 3),
        lambda: torch.randperm(3),
        lambda: torch.randint(5, (3, 2)),
        lambda: torch.empty(1, 3).normal_(),
    ],
)
def test_other_draws_are_torchs_own_and_show(draw):
    torch.manual_seed(1)
    expected = draw()
    after = torch.get_rng_state()
    torch.manual_seed(1)
    with PerImageDraws(SEEDS) as draws:
        assert torch.equal(draw(), expected)
    assert torch.equal(torch.get_rng_state(), after) and draws.shapes == []


def test_draws_that_only_look_like_the_batch():
    with PerImageDraws([1]) as first:  # one image draws noise for three channels
        torch.randn(1, 4)
        torch.randn(3, 1, 1)
    assert first.shapes == [(4,)]
    state = torch.get_rng_state()
    with PerImageDraws(SEEDS, first.shapes) as draws:
        torch.randn(3, 4)
        assert torch.equal(torch.get_rng_state(), state)
        torch.randn(3, 1, 1)
    assert draws.shapes == [(4,)] and not torch.equal(torch.get_rng_state(), state)


def test_a_stream_of_the_networks_own_is_left_to_it():
    stream, same = (torch.Generator().manual_seed(4) for _ in range(2))
    with PerImageDraws(SEEDS) as draws:
        found = torch.randn(3, 2, generator=stream), torch.empty(3).normal_(generator=stream)
    assert torch.equal(found[0], torch.randn(3, 2, generator=same)) and draws.shapes == []
    assert torch.equal(found[1], torch.empty(3).normal_(generator=same))


def test_half_precision_of_the_same_numbers():
    with PerImageDraws(SEEDS):
        full = torch.randn(3, 1, 20)
    with PerImageDraws(SEEDS, in_float32=True):
        low = torch.randn(3, 1, 20, dtype=torch.bfloat16)
        filled = torch.empty(3, 4, dtype=torch.float64).normal_()
    assert low.dtype == torch.bfloat16 and torch.equal(low, full.bfloat16())
    assert filled.dtype == torch.float64


@pytest.mark.gpu
@pytest.mark.parametrize('size', [(3,), (1, 128, 128), (1, 33, 7)])
def test_on_a_gpu(size):
    def draw(b):
        noise = torch.randn(b, *size, device='cuda')
        return torch.cat([noise, noise.new_empty(noise.shape).normal_()], 1)

    expected = _alone(draw, SEEDS)
    with PerImageDraws(SEEDS):
        assert torch.equal(draw(3), expected)
