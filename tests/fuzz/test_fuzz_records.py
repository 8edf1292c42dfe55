"""Damaged files of metrics and logs: read, left out with a note, or an error of one line."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import damaged, profile

from mmfncontra.evaluation.card import MetricCard, find_differences
from mmfncontra.visualization.report.record import read_run

CARD = dict(
    metrics=dict(fid=1.5, kid=None),
    depends=dict(inception=dict(num_fake=10), run=dict(seed=0)),
    iteration=10,
    curves=dict(frequency=[0.0, 0.5]),
    warnings=['few'],
    version=1,
)
LOG = ''.join(json.dumps(dict(step=i, iter=i, loss=0.5)) + '\n' for i in range(4))
VERDICTS = [dict(iteration=3, verdict='healthy', message='', advice='')]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda part: (
        st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3)
    ),
    max_leaves=5,
)
CARDS = st.fixed_dictionaries({}, optional={k: VALUES | st.just(v) for k, v in CARD.items()})
FILES = {
    'metrics/iter_10.json': damaged(json.dumps(CARD).encode())
    | CARDS.map(lambda card: json.dumps(card).encode()),
    'a/vis_data/scalars.json': damaged(LOG.encode())
    | VALUES.map(lambda value: LOG.encode() + json.dumps(dict(step=value)).encode()),
    'doctor.json': damaged(json.dumps(VERDICTS).encode())
    | VALUES.map(lambda value: json.dumps(value).encode()),
}
DEEP = b'[' * 10**5
DIGITS = b'{"step": ' + b'9' * 10**4 + b'}'


def check(name: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if name.startswith('metrics'):
            try:
                card = MetricCard.read(path)
                find_differences(dict(a=card, b=card))
            except ValueError as error:
                assert path.name in str(error)
        try:
            assert read_run(folder).iterations >= 0
        except ValueError as error:
            assert 'is no folder of a training' in str(error)


@pytest.mark.parametrize('name', FILES)
def test_damaged_records(name):
    profile(40)(given(FILES[name])(lambda data: check(name, data)))()


@pytest.mark.parametrize('name', FILES)
@pytest.mark.parametrize('data', [DEEP, DIGITS, b'', b'\xff\xfe', b'NaN'])
def test_json_that_python_does_not_read(name, data):
    check(name, data)
