"""Which steps are recorded, replayed and recorded anew; and on a GPU, that they are the same."""

import copy

import pytest
import torch
from gan_configs import CONTRAST, PLAIN_FASTGAN
from mmengine.optim import OptimWrapper, OptimWrapperDict
from optimisers import optimisers
from torch import nn

from mmfncontra.engine import AutocastOptimWrapper
from mmfncontra.models.gans import LimitedDataGAN
from mmfncontra.models.gans.acceleration import acceleration
from mmfncontra.models.gans.acceleration.graphed_step import (
    CUDARecorder,
    GraphedStep,
    check_graphable,
)

pytestmark = pytest.mark.usefixtures('default_scope')


class Recorder(CUDARecorder):
    """Replays by calling the function again, on the inputs it was recorded with."""

    device_type = 'cpu'
    records = 0

    def __init__(self):
        pass

    def run(self, function):
        return function()

    def record(self, function):
        Recorder.records += 1
        outputs = {}
        return outputs, lambda: outputs.update(function())


@pytest.fixture
def toy():
    """A model of one weight that moves by the mean of its inputs times the learning rate."""
    Recorder.records = 0
    model = nn.Module()
    model.weight = nn.Parameter(torch.zeros(()))
    wrapper = OptimWrapper(torch.optim.Adam(model.parameters(), lr=1.0, betas=(0.0, 0.0)))
    wrappers = OptimWrapperDict(net=wrapper)
    rates = []

    def step(inputs):
        lr = wrapper.optimizer.param_groups[0]['lr']
        rates.append(float(lr))
        with torch.no_grad():
            model.weight += lr * inputs['real'].mean()
        return dict(weight=model.weight.detach())

    graphed = GraphedStep(warmup=2, recorder=Recorder)

    def call(value, count=3, due=None):
        inputs = dict(real=torch.full((count,), float(value)))
        return graphed(step, inputs, model, wrappers, due)['weight'].item()

    return model, wrapper, call, rates


def test_warms_up_records_and_replays_on_new_inputs(toy):
    _, wrapper, call, _ = toy
    assert [call(value) for value in (1, 2, 3, 4, 5)] == [1, 3, 6, 10, 15]
    assert Recorder.records == 1
    assert wrapper._inner_count == 5


def test_outputs_are_not_overwritten(toy):
    model, wrapper, _, _ = toy
    graphed = GraphedStep(warmup=1, recorder=Recorder)
    wrappers, inputs = OptimWrapperDict(net=wrapper), dict(real=torch.ones(1))
    logs = []
    for _ in range(4):
        logs.append(graphed(lambda inputs: _add(model, inputs), inputs, model, wrappers)['weight'])
    assert [value.item() for value in logs[1:]] == [2, 3, 4]


def _add(model, inputs):
    with torch.no_grad():
        model.weight += inputs['real'].sum()
    return dict(weight=model.weight.detach())


def test_each_kind_of_step_has_its_graph(toy):
    _, _, call, _ = toy
    for _ in range(3):
        call(1, due=('r1',))
    for _ in range(3):
        call(1)
    assert Recorder.records == 2
    for _ in range(2):
        call(1, count=2)  # a last, smaller batch is an ordinary step at first
    assert Recorder.records == 2
    call(1, due=('r1',))
    assert Recorder.records == 2


def test_learning_rates_are_numbers_outside_and_followed_inside(toy):
    model, wrapper, call, rates = toy
    group = wrapper.optimizer.param_groups[0]
    for lr in (1.0, 0.5, 0.25, 0.125):
        group['lr'] = lr  # as schedulers do
        call(1)
        assert group['lr'] == lr and isinstance(group['lr'], float)
        assert group['capturable'] is False
    assert model.weight.item() == pytest.approx(1.875)
    assert rates == [1.0, 0.5, 0.25, 0.125]
    assert wrapper.get_lr()['lr'] == [0.125]


@pytest.mark.parametrize(
    'change',
    [
        lambda model, optim: optim.load_state_dict(copy.deepcopy(optim.state_dict())),
        lambda model, optim: setattr(model.weight, 'data', model.weight.data.clone()),
        lambda model, optim: model.weight.requires_grad_(False),
        lambda model, optim: optim.param_groups[0].update(betas=(0.5, 0.5)),
    ],
)
def test_records_anew_when_memory_or_settings_change(toy, change):
    model, wrapper, call, _ = toy
    for _ in range(3):
        call(1)
    change(model, wrapper.optimizer)
    assert [call(1) for _ in range(4)] == [4, 5, 6, 7]
    assert Recorder.records == 2


def test_weights_loaded_in_place_are_seen(toy):
    model, _, call, _ = toy
    for _ in range(3):
        call(1)
    model.load_state_dict(dict(weight=torch.tensor(100.0)))
    assert call(1) == 101
    assert Recorder.records == 1


def test_copies_have_no_graphs(toy):
    graphed = GraphedStep(warmup=2, recorder=Recorder)
    graphed._graphs['some'] = object()
    assert not copy.deepcopy(graphed)._graphs


TRAINED = dict(**PLAIN_FASTGAN, augment=dict(type='DiffAugment'), ema_config=dict(momentum=0.1))


def gan(device='cpu', **changes):
    torch.manual_seed(0)
    return LimitedDataGAN(**{**TRAINED, **changes}).train().to(device)


def images(count=4):
    return dict(inputs=torch.randint(0, 256, (count, 3, 64, 64), dtype=torch.uint8))


@pytest.mark.parametrize(
    ('changes', 'settings', 'message'),
    [
        (dict(ema_config=dict(type='mmagic.ExponentialMovingAverage')), {}, 'None with Expon'),
        ({}, dict(wrapped=dict(accumulative_counts=2)), 'generator.accumulative_counts=1, got 2'),
        ({}, dict(wrapped=dict(clip_grad=dict(max_norm=1.0))), 'generator.clip_grad=None'),
        ({}, dict(kind=torch.optim.SGD), 'capturable, such as Adam, got SGD'),
    ],
)
def test_what_is_refused(changes, settings, message):
    model = gan(**changes)
    with pytest.raises(ValueError, match=message):
        check_graphable(model, optimisers(model, **settings))


def test_parts_that_need_the_host_are_refused():
    model = gan()
    model.augment.needs_host = True
    with pytest.raises(ValueError, match=r'DiffAugment \(augment\), which reads values'):
        check_graphable(model, optimisers(model))
    check_graphable(gan(), optimisers(gan()))


class Augment(nn.Module):
    """Of no package that is known."""


def test_parts_of_other_packages_must_be_asked_for():
    model = gan()
    check_graphable(model, optimisers(model), known=True)
    model.augment = Augment()
    check_graphable(model, optimisers(model))
    with pytest.raises(
        ValueError, match=r'other packages, here Augment \(augment\) of test_graphed'
    ):
        check_graphable(model, optimisers(model), known=True)


@pytest.mark.parametrize('is_graphable', [True, False])
def test_by_default_steps_are_recorded_where_they_can_be(is_graphable, monkeypatch):
    class Graphed(GraphedStep):
        """Adam's updates cannot be recorded on a CPU."""

        def __call__(self, step, inputs, *_):
            recorded.append(step)
            return step(inputs)

    recorded, said = [], []
    monkeypatch.setattr(acceleration, 'print_log', lambda message, **_: said.append(message))
    monkeypatch.setattr(acceleration, 'GraphedStep', lambda: Graphed(recorder=Recorder))
    model = gan()
    settings = {} if is_graphable else dict(wrapped=dict(clip_grad=dict(max_norm=1.0)))
    optim = optimisers(model, **settings)
    for _ in range(2):
        model.train_step(images(), optim)
    assert len(recorded) == 2 * is_graphable
    assert [message.partition(':')[0] for message in said] == [
        'The step runs as it is, not as a CUDA graph'
    ] * (not is_graphable)


def test_command_lines_split_at_commas():
    assert gan(accelerate=['compile', 'cuda_graphs'])._acceleration.compiles


def test_the_cpu_trains_on_without_graphs():
    model = gan(accelerate='cuda_graphs')
    plain = gan()
    data = images()
    for one in (model, plain):
        torch.manual_seed(1)
        one.train_step(data, optimisers(one))
    assert model._acceleration.graphs is None
    for ours, expected in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours, expected)


@pytest.mark.parametrize('value', ['graphs', 'cuda_graphs,compile', True])
def test_unknown_choices_are_refused(value):
    with pytest.raises(ValueError, match='accelerate must be one of'):
        gan(accelerate=value)


RICH = dict(
    augment=dict(type='ADA', categories='bgc', initial=0.5, interval=2, ada_kimg=0.1),
    contrast=CONTRAST,
    disc_auxiliary_losses=dict(
        r1=dict(type='R1Penalty', gamma=1e-3, interval=4), lecam=dict(type='LeCamLoss', warmup=2)
    ),
)


def train(model, optim, steps, lrs):
    """Logs of some steps with the given learning rates."""
    torch.manual_seed(2)
    logs = []
    for i in range(steps):
        for wrapper in optim.values():
            wrapper.optimizer.param_groups[0]['lr'] = lrs[i]
        logs.append(model.train_step(images(), optim))
    return logs


@pytest.mark.gpu
@pytest.mark.parametrize('kind', [OptimWrapper, AutocastOptimWrapper])
@pytest.mark.parametrize('changes', [{}, RICH, dict(ema_config=dict(type='HalfLifeEMA'))])
def test_graphed_steps_equal_ordinary_ones(changes, kind):
    torch.backends.cudnn.deterministic = True
    lrs = [1e-4 / (1 + i) for i in range(20)]
    runs = []
    for accelerate in (None, 'cuda_graphs'):
        model = gan('cuda', accelerate=accelerate, **changes)
        runs.append((model, train(model, optimisers(model, wrapper=kind), 20, lrs)))
    (plain, expected), (graphed, logs) = runs
    assert graphed._acceleration.graphs._graphs
    tolerance = dict(rtol=1e-3, atol=1e-4) if kind is OptimWrapper else dict(rtol=0.1, atol=0.05)
    for ours, theirs in zip(logs, expected, strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours:
            torch.testing.assert_close(ours[name], theirs[name], **tolerance)
    for (name, ours), theirs in zip(
        graphed.state_dict().items(), plain.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(ours, theirs, msg=name, **tolerance)


@pytest.mark.gpu
def test_replays_draw_anew_and_go_on_after_loading():
    model = gan('cuda', accelerate='cuda_graphs', **RICH)
    optim = optimisers(model)
    data = images()
    logs = [model.train_step(data, optim) for _ in range(24)]
    assert len({log['loss_gen'].item() for log in logs}) == 24
    graphs = model._acceleration.graphs
    kinds = len(graphs._graphs)
    assert kinds == 2  # with and without R1
    steps = model.generator_ema.steps.item()
    optim.load_state_dict(copy.deepcopy(optim.state_dict()))
    model.load_state_dict(copy.deepcopy(model.state_dict()))
    model.train_step(data, optim)
    assert not graphs._graphs and model.generator_ema.steps.item() == steps + 1
    saved = optim.state_dict()['generator']['param_groups'][0]
    assert isinstance(saved['lr'], float) and not saved['capturable']


class Breaks(Recorder):
    """Ends as torch does: with an error that does not say what broke the recording."""

    def record(self, function):
        try:
            function()
        except RuntimeError:
            raise RuntimeError('operation failed due to a previous error during capture')  # noqa: B904


def test_what_breaks_a_recording_is_said_with_its_place():
    model = nn.Linear(1, 1)
    wrappers = OptimWrapperDict(net=OptimWrapper(torch.optim.Adam(model.parameters(), lr=1.0)))
    graphed = GraphedStep(warmup=1, recorder=Breaks)
    calls = []

    def step(inputs):
        calls.append(inputs)
        if len(calls) > 1:
            raise RuntimeError('operation not permitted when stream is capturing\nCompile with …')
        return {}

    graphed(step, {}, model, wrappers)
    line = step.__code__.co_firstlineno + 3
    reason = (
        rf'need the host: operation not permitted when stream is capturing \({__file__}:{line}\)'
    )
    with pytest.raises(RuntimeError, match=reason):
        graphed(step, {}, model, wrappers)
