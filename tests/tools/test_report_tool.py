import json

import pytest
from commands import load_tool

from mmfncontra.launch.command import run_command


@pytest.fixture
def work_dir(tmp_path):
    folder = tmp_path / 'runs' / 'one'
    folder.mkdir(parents=True)
    (folder / 'doctor.json').write_text(json.dumps([dict(iteration=1, verdict='healthy')]))
    return folder


def test_one_run(work_dir, capsys):
    load_tool('report').main([str(work_dir)])
    out = work_dir / 'report.html'
    assert 'Run report: one' in out.read_text()
    assert capsys.readouterr().out.startswith(f'report in {out} (')


def test_several_runs(work_dir, tmp_path, monkeypatch):
    other = work_dir.with_name('two')
    other.mkdir()
    (other / 'doctor.json').write_text(json.dumps([dict(iteration=1, verdict='collapse')]))
    monkeypatch.chdir(tmp_path)
    load_tool('report').main([str(work_dir), str(other)])
    assert 'collapse' in (tmp_path / 'report.html').read_text()
    load_tool('report').main([str(work_dir), str(other), '--out', 'new/name.html'])
    assert (tmp_path / 'new' / 'name.html').is_file()


def test_a_report_of_other_runs_is_kept(work_dir, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    others = [work_dir.with_name(name) for name in ('two', 'three')]
    for other in others:
        other.mkdir()
        (other / 'doctor.json').write_text(json.dumps([dict(iteration=1, verdict='collapse')]))
    for other in (*others, others[1]):
        load_tool('report').main([str(work_dir), str(other)])
    assert 'was the report of other runs, which is now report_1.html' in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.glob('*.html')) == ['report.html', 'report_1.html']
    assert 'one, two' in (tmp_path / 'report_1.html').read_text()
    (tmp_path / 'page.html').write_text('<title>Mine</title>')
    with pytest.raises(ValueError, match='out must be a new file or a report'):
        load_tool('report').main([str(work_dir), '--out', 'page.html'])


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['{}/nowhere'], 'nowhere does not exist'),
        (['{}'], 'no folder of a training: it has no samples/iter_*.png'),
        (['{}/runs/one', '--out', '{}'], 'out must be a file'),
    ],
)
def test_mistakes_are_one_line(work_dir, tmp_path, arguments, said, capsys):
    arguments = [argument.format(tmp_path) for argument in arguments]
    with pytest.raises(SystemExit) as left:
        run_command(lambda: load_tool('report').main(arguments))
    error = capsys.readouterr().err
    assert left.value.code == 2 and said in error and error.count('\n') == 1
