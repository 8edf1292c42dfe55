import pytest
import torch
from mmengine.dist import get_rank
from two_ranks import on_two_ranks

from mmfncontra.models.losses import DWCLLoss, GatherEmbeddings

NAMES = ('query', 'positive', 'easy', 'hard')

OBJECTIVES = (
    dict(type='mmfncontra.InfoNCE'),
    dict(type='mmfncontra.DCL'),
    dict(type='mmfncontra.DCLW', sigma=0.3),
    dict(type='mmfncontra.DebiasedInfoNCE', class_prior=0.2, hardness=0.5),
)


def losses_and_gradients(x, past, gather):
    return [loss_and_gradients(x, past, gather, objective) for objective in OBJECTIVES]


def loss_and_gradients(x, past, gather, objective):
    x = {name: value.clone().requires_grad_() for name, value in x.items()}
    loss = DWCLLoss(0.3, batch_negatives=True, queue_size=4, gather=gather, objective=objective)(
        x['query'], x['positive'], dict(easy=x['easy'], hard=x['hard']), torch.tensor([0.7, 0.2]),
        past=past,
    )  # fmt: skip
    loss.backward()
    return loss.detach(), {name: value.grad for name, value in x.items()}


def on_half(whole, past):
    own = slice(3 * get_rank(), 3 * get_rank() + 3)
    return losses_and_gradients({name: value[own] for name, value in whole.items()}, past, True)


def gather_unequal():
    return GatherEmbeddings()(torch.zeros(2 + get_rank(), 3))


def gather_another_size_later():
    gather = GatherEmbeddings()
    gather(torch.zeros(4, 3))
    with pytest.raises(ValueError) as error:
        gather(torch.zeros(6, 3))
    # What is refused is not remembered.
    return str(error.value), gather(torch.full((4, 3), float(get_rank())))


def losses_of_two_sizes_in_turn(*batches):
    losses = [
        DWCLLoss(0.3, batch_negatives=True, gather=True, objective=dict(type='mmfncontra.DCLW'))
        for _ in batches
    ]
    found = []
    for _ in range(2):
        for loss, (query, positive) in zip(losses, batches, strict=True):
            own = slice(*(len(query) // 2 * (get_rank() + end) for end in (0, 1)))
            found.append(loss(query[own], positive[own], {}))
    return found


def test_two_ranks_equal_one_with_the_whole_batch(tmp_path):
    whole = {name: torch.randn(6, 8, dtype=torch.float64) for name in NAMES}
    past = torch.randn(4, 8, dtype=torch.float64)
    halves = on_two_ranks(on_half, whole, past, folder=tmp_path)
    both = losses_and_gradients(whole, past, False)
    for one, two, (loss, gradients) in zip(*halves, both, strict=True):
        # A distributed wrapper takes the mean over ranks.
        torch.testing.assert_close((one[0] + two[0]) / 2, loss)
        for name, gradient in gradients.items():
            torch.testing.assert_close(torch.cat([one[1][name], two[1][name]]) / 2, gradient)
        # Each rank has a loss of its own.
        assert not torch.equal(one[0], two[0])


def test_batches_of_two_sizes(tmp_path):
    for error in on_two_ranks(gather_unequal, folder=tmp_path):
        assert isinstance(error, ValueError)
        assert 'throughout, got [2, 3] on the ranks: set ' in str(error)


def test_a_later_batch_of_another_size(tmp_path):
    ranks = torch.tensor([0.0, 1.0]).repeat_interleave(4)
    for said, again in on_two_ranks(gather_another_size_later, folder=tmp_path):
        assert 'throughout, got 6 after 4: set train_dataloader.drop_last=True' in said
        assert torch.equal(again, ranks.unsqueeze(1).expand(8, 3))


def test_each_loss_remembers_a_size_of_its_own(tmp_path):
    batches = torch.randn(2, 6, 8, dtype=torch.float64), torch.randn(2, 4, 8, dtype=torch.float64)
    one, two = on_two_ranks(losses_of_two_sizes_in_turn, *batches, folder=tmp_path)
    alone = DWCLLoss(0.3, batch_negatives=True, objective=dict(type='mmfncontra.DCLW'))
    for of_one, of_two, batch in zip(one, two, batches * 2, strict=True):
        torch.testing.assert_close((of_one + of_two) / 2, alone(*batch, {}))


def test_on_one_process_nothing_happens():
    x = torch.randn(2, 3)
    assert GatherEmbeddings()(x) is x


@pytest.mark.parametrize('batch', [1, 5])
def test_gathering_on_one_process_changes_nothing(batch):
    x = torch.randn(4, batch, 8)
    arguments = (x[0], x[1], dict(easy=x[2], hard=x[3]), torch.ones(2))
    plain = DWCLLoss(batch_negatives=True)(*arguments)
    assert torch.equal(DWCLLoss(batch_negatives=True, gather=True)(*arguments), plain)


def test_gathering_leaves_nothing_in_a_checkpoint():
    loss = DWCLLoss(batch_negatives=True, gather=True, objective=dict(type='mmfncontra.DCLW'))
    assert not GatherEmbeddings().state_dict() and not loss.state_dict()
