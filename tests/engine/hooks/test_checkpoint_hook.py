import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub, MMLogger

from mmfncontra.engine.hooks import CheckpointHook
from mmfncontra.evaluation.metrics import DiscriminatorView, ImageMetrics
from mmfncontra.registry import HOOKS


class Runner:
    """As much of a runner as the hook asks for; it notes what is there when it saves."""

    METRICS = (ImageMetrics(), DiscriminatorView(prefix='x'))

    def __init__(self, folder: Path) -> None:
        self.val_loop = SimpleNamespace(evaluators=[SimpleNamespace(metrics=self.METRICS)])
        self.work_dir = str(folder)
        self.message_hub = MessageHub(f'hub of {folder}')
        self.logger = MMLogger.get_instance(f'logger of {folder}')
        self.iter, self.epoch = 0, 0
        self.there_when_saving: list[list[str]] = []
        self.fails = False
        self.train_loop = SimpleNamespace(is_going_back=False)

    def save_checkpoint(self, out_dir, filename, *args, meta=None, **kwargs):
        if self.fails:
            raise OSError('disk full')
        self.there_when_saving.append(there(Path(out_dir)))
        info = self.message_hub.state_dict()['runtime_info']
        kept, best = info.get('keep_ckpt_ids', []), info.get('best_ckpt')
        Path(out_dir, filename).write_text(f'{meta["iter"]} {kept} {best and Path(best).name}')


def there(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob('*.pth'))


def train(hook, runner, iterations, values=()):
    values = dict(values)
    for _ in range(iterations):
        hook.after_train_iter(runner, runner.iter)
        runner.iter += 1
        if runner.iter in values:
            value = values[runner.iter]
            hook.after_val_epoch(runner, dict(swd=value, subband_LH_1=-value))


def start(folder, iterations=100, **options):
    options = dict(by_epoch=False, interval=1, save_last=False) | options
    hook, runner = CheckpointHook(**options), Runner(folder)
    hook.before_train(runner)
    return hook, runner


def test_it_is_the_hook_of_our_configs():
    hook = HOOKS.build(dict(type='CheckpointHook', by_epoch=False, interval=5))
    assert type(hook) is CheckpointHook and hook.interval == 5


def test_unknown_arguments_are_named():
    with pytest.raises(ValueError, match="no argument 'intervall'; did you mean interval"):
        CheckpointHook(intervall=5)


def test_none_is_removed_before_the_next_is_there(tmp_path):
    hook, runner = start(tmp_path, max_keep_ckpts=2)
    train(hook, runner, 4)
    assert there(tmp_path) == ['iter_3.pth', 'iter_4.pth']
    assert runner.there_when_saving[-1] == ['iter_2.pth', 'iter_3.pth']
    assert (tmp_path / 'iter_4.pth').read_text() == '4 [3, 4] None'
    assert (tmp_path / 'last_checkpoint').read_text().endswith('iter_4.pth')


def test_all_are_kept_without_a_number(tmp_path):
    hook, runner = start(tmp_path)
    train(hook, runner, 3)
    assert there(tmp_path) == ['iter_1.pth', 'iter_2.pth', 'iter_3.pth']


def test_a_failure_leaves_what_was_there(tmp_path):
    hook, runner = start(tmp_path, max_keep_ckpts=1)
    train(hook, runner, 2)
    runner.fails = True
    with pytest.raises(OSError, match='disk full'):
        train(hook, runner, 1)
    assert there(tmp_path) == ['iter_2.pth']
    assert (tmp_path / 'last_checkpoint').read_text().endswith('iter_2.pth')


def test_one_that_cannot_be_removed_does_not_end_the_training(tmp_path, monkeypatch):
    hook, runner = start(tmp_path, max_keep_ckpts=1)
    train(hook, runner, 1)

    def remove(path):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(os, 'remove', remove)
    train(hook, runner, 1)
    assert (tmp_path / 'last_checkpoint').read_text().endswith('iter_2.pth')


def test_the_best_is_kept_besides_and_replaced_afterwards(tmp_path):
    hook, runner = start(tmp_path, max_keep_ckpts=1, save_best='swd', rule='less')
    train(hook, runner, 4, values={1: 0.5, 2: 0.7, 3: 0.2, 4: 0.3})
    assert there(tmp_path) == ['best_swd_iter_3.pth', 'iter_4.pth']
    # The best of before was there when the new one was written.
    assert any(
        'best_swd_iter_1.pth' in names and 'iter_3.pth' in names
        for names in runner.there_when_saving
    )
    assert runner.message_hub.get_info('best_score') == 0.2
    # The checkpoint after the validation knows the best one.
    train(hook, runner, 1)
    assert (tmp_path / 'iter_5.pth').read_text() == '5 [5] best_swd_iter_3.pth'


def test_the_best_of_a_copied_folder_is_not_that_of_the_original(tmp_path):
    for name in ('original', 'copy'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'best_swd_iter_1.pth').write_text(name)
    hook = CheckpointHook(by_epoch=False, interval=1, save_best='swd', rule='less')
    runner = Runner(tmp_path / 'copy')
    runner.message_hub.update_info('best_ckpt', str(tmp_path / 'original' / 'best_swd_iter_1.pth'))
    runner.message_hub.update_info('best_score', 0.5)
    runner.iter = 1
    hook.before_train(runner)
    train(hook, runner, 1, values={2: 0.2})
    assert 'best_swd_iter_1.pth' in there(tmp_path / 'original')
    assert [n for n in there(tmp_path / 'copy') if 'best' in n] == ['best_swd_iter_2.pth']


def test_a_best_of_each_of_several(tmp_path):
    hook, runner = start(tmp_path, save_best=['swd', 'subband_LH_1'], rule='less', max_keep_ckpts=1)
    train(hook, runner, 3, values={1: 0.5, 2: 0.7, 3: 0.2})
    assert there(tmp_path) == [
        'best_subband_LH_1_iter_2.pth',
        'best_swd_iter_3.pth',
        'iter_3.pth',
    ]


@pytest.mark.parametrize('save_best', ['fidd', ['swd', 'fidd']])
def test_an_unknown_value_is_named_before_the_training(save_best, tmp_path):
    said = r"checkpoint\.save_best must be one of .*swd.*copy_rate.*x/r_t_clean.*, got 'fidd'"
    with pytest.raises(ValueError, match=said):
        start(tmp_path, save_best=save_best, rule='less')


def test_without_a_validation_there_is_no_best(tmp_path, monkeypatch):
    monkeypatch.setattr(Runner, 'METRICS', ())
    with pytest.raises(ValueError, match='save_best needs a validation with metrics, got'):
        start(tmp_path, save_best='swd', rule='less')


def test_a_value_that_is_left_out_is_named(tmp_path):
    hook, runner = start(tmp_path, save_best='diversity', rule='greater')
    with pytest.raises(ValueError, match=r'save_best must be one of swd, subband_LH_1, got'):
        train(hook, runner, 1, values={1: 0.5})


def test_saving_between_iterations(tmp_path):
    hook, runner = start(tmp_path, interval=2, max_keep_ckpts=2)
    train(hook, runner, 3)
    hook.save_now(runner)
    assert there(tmp_path) == ['iter_2.pth', 'iter_3.pth']
    assert (tmp_path / 'iter_3.pth').read_text() == '3 [2, 3] None'
    saved = len(runner.there_when_saving)
    hook.save_now(runner)
    assert len(runner.there_when_saving) == saved


def test_the_validation_of_an_iteration_is_noted(tmp_path):
    hook, runner = start(tmp_path)
    train(hook, runner, 2, values={2: 0.5})
    assert runner.message_hub.get_info('iter_validated') == 2


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / 'iter_9.pth.unfinished').write_text('half')
    start(tmp_path)
    assert not list(tmp_path.iterdir())


def test_nothing_of_an_abandoned_branch_is_saved(tmp_path):
    hook, runner = start(tmp_path, max_keep_ckpts=2)
    train(hook, runner, 3)
    runner.train_loop.is_going_back = True
    train(hook, runner, 1)
    assert there(tmp_path) == ['iter_2.pth', 'iter_3.pth']
    runner.iter, runner.train_loop.is_going_back = 2, False
    hook.after_roll_back(runner)
    assert (tmp_path / 'iter_2.pth').read_text() == '2 [2] None'
    assert (tmp_path / 'last_checkpoint').read_text().endswith('iter_2.pth')
    train(hook, runner, 2)
    assert there(tmp_path) == ['iter_3.pth', 'iter_4.pth']
