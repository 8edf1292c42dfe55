"""A training with all its hooks on the stand-in, saved, resumed and evaluated."""

import json
from pathlib import Path

import pytest
from commands import run_python

TRAININGS = Path(__file__).with_name('trainings.py')


@pytest.fixture(scope='module')
def trained(stand_in, tmp_path_factory):
    """The folder, and what was seen of each training by its name."""
    folder = tmp_path_factory.mktemp('trainings')
    child = run_python(TRAININGS, folder, **stand_in)
    assert child.returncode == 0, child.stderr[-6000:]
    lines = [line for line in child.stdout.splitlines() if line.startswith('{"')]
    return folder, {line['name']: line['parts'] for line in map(json.loads, lines)}


@pytest.mark.parametrize('name, replays', [('plain', 0), ('fast', 7)])
def test_training_keeps_to_the_device_between_its_logs(name, replays, trained):
    folder, seen = trained
    for part, last in zip(seen[name], (10, 20), strict=True):
        if part['faults']:
            pytest.fail('\n'.join(part['faults'][:10]), pytrace=False)
        assert (part['device'], part['iterations']) == ('cuda', last)
        assert part['graph_launches'] == replays  # three ordinary steps each time
        for result in (f'iter_{last}.pth', f'samples/iter_{last:06}.png'):
            assert (folder / name / result).is_file()
