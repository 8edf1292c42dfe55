import itertools
import json

import pytest
import torch
from faulty_gan import build
from mmengine.hooks import Hook
from PIL import Image

from mmfncontra.apis import load_checkpoint_file
from mmfncontra.engine import TrainingRunner
from mmfncontra.engine.hooks import NonFiniteHook
from mmfncontra.launch.command import user_error

_names = itertools.count()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(interval=0), 'interval must be a positive integer, got 0'),
        (dict(window=1.5), 'window must be a positive integer, got 1.5'),
        (dict(max_skipped=-1), 'max_skipped must be an integer of 0 or more, got -1'),
        (dict(window=5, max_skipped=5), 'max_skipped must be below window=5, got 5'),
        (dict(max_rollbacks=True), 'max_rollbacks must be an integer'),
        (dict(lr_factor=0), r'lr_factor must be in \(0, 1\], got 0'),
        (dict(lr_factor='half'), r"lr_factor must be a number in \(0, 1\], got 'half'"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        NonFiniteHook(**arguments)


class FakeLoop(Hook):
    """Notes rollbacks in place of doing them."""

    def __init__(self):
        self.calls = []

    def before_train(self, runner):
        def roll_back(factor):
            self.calls.append((runner.iter + 1, factor))
            del runner.message_hub.log_scalars['train/skipped']  # as of an old checkpoint

        runner.train_loop.roll_back = roll_back


class Scripted:
    """A train_step that was skipped in some iterations."""

    def __init__(self, model, skipped):
        self.model, self.skipped, self.iteration = model, skipped, 0
        self.step = model.train_step

    def __call__(self, data, optim_wrapper):
        logs = self.step(data, optim_wrapper)
        self.iteration += 1
        return logs | dict(skipped=torch.tensor(float(self.iteration in self.skipped)))


@pytest.fixture
def run(train, tiny_gan):
    """Train a scripted model; returns the runner, and the iterations of rollbacks."""

    def run(skipped, max_iters=12, **arguments):
        model, loop = tiny_gan(), FakeLoop()
        model.train_step = Scripted(model, skipped)
        hook = NonFiniteHook(**(dict(interval=2, window=6, max_skipped=2) | arguments))
        return train(hook, loop, model=model, max_iters=max_iters), loop.calls

    return run


@pytest.mark.parametrize(
    ('skipped', 'rollbacks'),
    [
        ([], []),
        ([1, 2], []),
        ([3, 4, 5], [6]),  # found when it is looked
        ([3, 5, 8], [8]),  # not in a row
        ([1, 2, 7, 8], []),  # never more than two of six, when it is looked
        ([1, 3, 5, 7, 9, 11], [6, 12]),  # counted anew after a rollback
    ],
)
def test_bound(run, skipped, rollbacks):
    _, calls = run(skipped)
    assert calls == [(iteration, 0.5) for iteration in rollbacks]


def test_counts_are_logged(run):
    runner, _ = run([2, 3, 12], max_iters=13)
    totals = runner.message_hub.get_scalar('train/skipped_total').data[0]
    assert totals.tolist() == [1, 2, 2, 2, 2, 3, 3]
    assert runner.message_hub.get_scalar('train/skipped').data[0].sum() == 3


def test_models_that_do_not_say_are_left_alone(train, tiny_gan):
    runner = train(NonFiniteHook(interval=1))
    assert 'train/skipped_total' not in runner.message_hub.log_scalars


def test_without_rollbacks_it_stops_with_the_batches(run, tmp_path):
    with pytest.raises(ValueError, match=r'stopped at iteration 6: 3 of the last 6') as caught:
        run([3, 4, 5], max_rollbacks=0)
    message = user_error(caught.value)
    assert 'after 0 rollbacks' in message and '\n' not in message
    folder = tmp_path / 'non_finite'
    assert str(folder) in message
    batches = torch.load(folder / 'batch.pt', weights_only=True)
    assert [entry['iteration'] for entry in batches] == [3, 4, 5]
    assert all(len(entry['batch']['inputs']) == 2 for entry in batches)
    # Three rows of images of 8 pixels, with borders of 2.
    assert Image.open(folder / 'batch.png').size == (32, 22)
    assert load_checkpoint_file(folder / 'state.pth')['meta']['iter'] == 6
    record = json.loads((folder / 'record.json').read_text())
    assert record['iteration'] == 6 and record['rollbacks'] == 0
    assert [step['iteration'] for step in record['steps']] == [3, 4, 5]
    assert record['weights_not_finite'] == []


def test_a_loop_that_cannot_go_back_stops(train, tiny_gan):
    model = tiny_gan()
    model.train_step = Scripted(model, [1])
    with pytest.raises(ValueError, match=r'train_cfg\.type cannot go back'):
        train(NonFiniteHook(interval=1, window=2, max_skipped=0), model=model)


def test_a_disk_that_cannot_be_written_is_told(run, tmp_path):
    (tmp_path / 'non_finite').write_text('in the way')
    with pytest.raises(ValueError, match='batch and the state could not be saved'):
        run([1, 2, 3], max_rollbacks=0)


class Faulty(torch.nn.Module):
    """Stands in for a loss that is NaN in some iterations, counted over rollbacks."""

    def __init__(self, iterations):
        super().__init__()
        self.iterations, self.calls = iterations, 0

    def forward(self, loss):
        self.calls += 1
        return loss + torch.nan if self.calls in self.iterations else loss


def training(folder, faults, max_iters=12, resume=False, **arguments):
    model = build()
    model.adversarial_loss.gen = Faulty(faults)
    adam = dict(type='Adam', lr=1e-3, fused=True)
    return TrainingRunner(
        model=model,
        work_dir=str(folder),
        train_dataloader=dict(
            batch_size=2,
            num_workers=0,
            sampler=dict(type='InfiniteSampler', shuffle=True),
            dataset=dict(type='ToyDrawings'),
        ),
        train_cfg=dict(type='ResumableIterTrainLoop', max_iters=max_iters),
        optim_wrapper=dict(
            constructor='MultiOptimWrapperConstructor',
            generator=dict(optimizer=adam),
            discriminator=dict(optimizer=adam),
        ),
        param_scheduler={
            name: [dict(type='ConstantLR', by_epoch=False, factor=1.0)]
            for name in ('generator', 'discriminator')
        },
        default_hooks=dict(
            runtime_info=dict(type='StepScalarsHook'),
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=4),
            logger=dict(type='ProgressLoggerHook', interval=1),
        ),
        custom_hooks=[NonFiniteHook(**(dict(interval=1, window=4, max_skipped=1) | arguments))],
        log_processor=dict(by_epoch=False),
        randomness=dict(seed=0),
        resume=resume,
        default_scope='mmfncontra',
        experiment_name=f'non_finite_{next(_names)}',
    )


def rate(runner):
    return runner.optim_wrapper['generator'].param_groups[0]['lr']


def test_goes_back_goes_slower_and_goes_on(tmp_path, default_scope):
    runner = training(tmp_path, [6, 7])
    runner.train()
    # Seven iterations, then those after the checkpoint of the fourth.
    assert runner.model.adversarial_loss.gen.calls == 7 + 8
    assert runner.iter == 12
    assert rate(runner) == pytest.approx(5e-4)
    assert runner.message_hub.get_info('rollbacks') == 1
    entries = json.loads((tmp_path / 'non_finite/rollbacks.json').read_text())
    assert entries == [{'from': 7, 'skipped': 2, 'to': 4}]
    assert all(p.isfinite().all() for p in runner.model.parameters())
    saved = load_checkpoint_file(tmp_path / 'iter_12.pth')
    assert saved['message_hub']['runtime_info']['rollbacks'] == 1
    assert not (tmp_path / 'non_finite/state.pth').exists()


def test_goes_back_so_often_and_then_stops(tmp_path, default_scope):
    runner = training(tmp_path, range(6, 100), max_rollbacks=2)
    with pytest.raises(ValueError, match=r'loss_gen nan.* \(after 2 rollbacks\)') as caught:
        runner.train()
    assert user_error(caught.value) == str(caught.value)
    assert runner.model.adversarial_loss.gen.calls == 7 + 2 + 2
    assert rate(runner) == pytest.approx(2.5e-4)
    record = json.loads((tmp_path / 'non_finite/record.json').read_text())
    assert record['rollbacks'] == 2 and record['steps'][-1]['loss_gen'] == 'nan'
    # A process that starts again from the checkpoint before knows of the rollbacks.
    again = training(tmp_path, range(1, 100), max_rollbacks=2, resume=True)
    with pytest.raises(ValueError, match=r'after 2 rollbacks'):
        again.train()
    assert again.model.adversarial_loss.gen.calls == 2


def test_without_a_checkpoint_it_stops(tmp_path, default_scope):
    runner = training(tmp_path, [1, 2])
    with pytest.raises(ValueError, match=r'nothing to go back to: no checkpoint in'):
        runner.train()
    assert (tmp_path / 'non_finite/batch.png').is_file()


def test_a_new_training_starts_counting_anew(tmp_path, default_scope):
    path = tmp_path / 'non_finite/rollbacks.json'
    path.parent.mkdir()
    path.write_text(json.dumps([{'from': 2, 'to': 1}] * 3))
    runner = training(tmp_path, [6, 7], max_rollbacks=1)
    runner.train()
    assert runner.message_hub.get_info('rollbacks') == 1
