import pytest

from mmfncontra.checkpoints.set_aside import earlier_folder, set_aside


@pytest.fixture
def run(tmp_path):
    for name in (
        *('iter_2.pth', 'iter_4.pth', 'best_swd_iter_2.pth', 'last_checkpoint', 'config.py'),
        *('doctor.json', 'iter_4_metrics.json', 'notes.txt', '.lock', 'photos/1.png'),
        *('samples/iter_000002.png', 'samples/iter_000004.png', 'metrics/iter_000004.json'),
        *('20250101_000000/20250101_000000.log', 'generated/000000.png', 'data_2025/a.png'),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def files(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob('*') if p.is_file()}


def test_what_a_training_wrote_is_moved_and_nothing_else(run):
    everything = files(run)
    others = {'notes.txt', '.lock', 'photos/1.png', 'data_2025/a.png'}
    assert earlier_folder(run) == run / 'earlier_1'
    assert set_aside(run, None, False, [run / 'config.py']) == run / 'earlier_1'
    assert files(run / 'earlier_1') == everything - others
    assert {name for name in files(run) if not name.startswith('earlier')} == others
    assert set_aside(run, None, resumes=False) is None
    (run / 'iter_1.pth').touch()
    assert set_aside(run, None, resumes=False) == run / 'earlier_2'


def test_weights_to_start_from_stay_and_files_of_ones_own(run):
    set_aside(run, run / 'iter_2.pth', resumes=False)
    assert (run / 'iter_2.pth').is_file() and (run / 'config.py').is_file()
    assert not (run / 'iter_4.pth').exists()


def test_a_training_that_goes_on_leaves_what_is_ahead_only(run):
    assert set_aside(run, run / 'iter_4.pth', resumes=True) is None
    set_aside(run, run / 'iter_2.pth', resumes=True)
    assert files(run / 'earlier_1') == {
        *('iter_4.pth', 'samples/iter_000004.png', 'metrics/iter_000004.json')
    }
    assert (run / 'samples/iter_000002.png').is_file() and (run / 'doctor.json').is_file()


def test_a_training_that_comes_from_elsewhere_leaves_all(run, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp('other') / 'iter_9.pth'
    elsewhere.touch()
    set_aside(run, elsewhere, resumes=True)
    assert elsewhere.is_file() and not list(run.glob('*.pth'))


def test_a_folder_without_checkpoints_is_left_alone(tmp_path):
    (tmp_path / 'samples').mkdir()
    for folder in (tmp_path, tmp_path / 'none'):
        assert set_aside(folder, None, resumes=False) is None
