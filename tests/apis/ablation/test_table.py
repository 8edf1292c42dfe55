import csv
import io
import re

import numpy as np
import pytest
from scipy.stats import ttest_rel

from mmfncontra.apis.ablation.significance import holm
from mmfncontra.apis.ablation.table import direction_of, make_ablation_table


def values_of(**variants):
    """``a=dict(swd=[...])`` by variant, metric and seed."""
    return {
        name: {
            seed: {metric: each[seed] for metric, each in metrics.items()}
            for seed in range(len(next(iter(metrics.values()))))
        }
        for name, metrics in variants.items()
    }


@pytest.fixture
def values():
    return values_of(
        base=dict(swd=[2.0, 2.1, 2.2, 2.1], precision=[0.5, 0.6, 0.7, 0.6], r_t=[0.1] * 4),
        good=dict(swd=[1.0, 1.1, 1.3, 1.1], precision=[0.6, 0.8, 0.8, 0.7], r_t=[0.2] * 4),
        bad=dict(swd=[2.1, 2.4, 2.2, 2.3], precision=[0.4, 0.6, 0.5, 0.6], r_t=[0.1] * 4),
    )


def test_directions():
    assert direction_of('test/fid') == 'lower' and direction_of('recall') == 'higher'
    assert direction_of('train/kid_lite2') == 'lower' == direction_of('copy_rate_clip_vit_b_32')
    assert direction_of('nearer_to_training_lite2') == 0.5 and direction_of('fd_x_unbiased') is None
    assert direction_of('subband_LH_2') == 0.0 and direction_of('kid_std') is None


def test_values_that_a_training_saw_are_shown_and_not_compared():
    seeds = [1.0, 2.0, 4.0]
    values = values_of(
        base=dict(fd_lite0=seeds, swd=seeds),
        seen=dict(fd_lite0=[0.5, 1.4, 3.3], swd=[0.5, 1.4, 3.3]),
        other=dict(fd_lite0=[0.8, 1.6, 3.1], swd=[0.8, 1.6, 3.1]),
    )
    table = make_ablation_table(values, 'base', seen=dict(seen=['fd_lite0']))
    row = table.rows['seen']
    assert row['fd_lite0'].seen and row['fd_lite0'].comparison is None
    assert row['swd'].verdict == 'better' and not row['swd'].seen
    # Corrected over what is compared.
    other = table.rows['other']['fd_lite0']
    assert other.verdict == 'better' and other.p_t_holm == other.comparison.p_t
    line = table.to_markdown().splitlines()[3]
    assert line.startswith('| seen | 3 | 1.7 ± 1.4 † | **1.7 ± 1.4 (▲ -0.6, ')
    assert r'& $1.7 \pm 1.4^\dagger$ &' in table.to_latex()
    lines = csv.DictReader(io.StringIO(table.to_csv()))
    assert [(x['variant'], x['metric']) for x in lines if x['seen'] == 'True'] == [
        ('seen', 'fd_lite0')
    ]
    # Nobody is compared with a baseline that was trained with the network.
    table = make_ablation_table(values, 'base', seen=dict(base=['fd_lite0']))
    assert all(row['fd_lite0'].comparison is None for row in table.rows.values())
    assert not table.rows['seen']['fd_lite0'].seen


def test_cells(values):
    table = make_ablation_table(values, 'base')
    assert table.metrics == ['swd', 'precision'] and list(table.rows) == ['base', 'good', 'bad']
    cell = table.rows['good']['swd']
    own, base = [1.0, 1.1, 1.3, 1.1], [2.0, 2.1, 2.2, 2.1]
    assert (cell.n, cell.mean) == (4, pytest.approx(np.mean(own)))
    assert cell.std == pytest.approx(np.std(own, ddof=1))
    p = [ttest_rel(own, base).pvalue, ttest_rel([2.1, 2.4, 2.2, 2.3], base).pvalue]
    found = [table.rows[name]['swd'].p_t_holm for name in ('good', 'bad')]
    assert found == pytest.approx(holm(p))
    verdicts = {n: [c.verdict for c in r.values()] for n, r in table.rows.items()}
    assert verdicts == dict(base=['', ''], good=['better'] * 2, bad=['worse'] * 2)
    assert cell.significant and not table.rows['bad']['swd'].significant


def test_seeds_are_paired_by_number():
    values = dict(
        base={0: dict(swd=1.0), 1: dict(swd=2.0), 2: dict(swd=3.0), 3: dict(swd=9.0)},
        other={3: dict(swd=float('nan')), 2: dict(swd=3.5), 1: dict(swd=2.2), 0: dict(swd=1.1)},
    )
    cell = make_ablation_table(values, 'base').rows['other']['swd']
    assert cell.n == 3 and cell.comparison.num_pairs == 3
    assert cell.comparison.p_t == pytest.approx(ttest_rel([1.1, 2.2, 3.5], [1, 2, 3]).pvalue)


def test_nearer_is_better():
    values = values_of(
        base=dict(subband_HH_1=[-3.0, -2.0, -2.5]), a=dict(subband_HH_1=[1.0, 0.5, -0.2])
    )
    cell = make_ablation_table(values, 'base', ['subband_*']).rows['a']['subband_HH_1']
    assert cell.verdict == 'better' and cell.mean == pytest.approx(1.3 / 3)
    assert cell.comparison.difference == pytest.approx(1.7 / 3 - 2.5)


def test_without_direction_no_verdict(values):
    table = make_ablation_table(values, 'base', ['r_t'])
    cell = table.rows['good']['r_t']
    assert cell.verdict == '' and cell.comparison.difference == pytest.approx(0.1)
    assert '0.2±0 (+0.1)' in table.to_markdown().replace(' ± ', '±')


def test_choice_of_metrics(values):
    assert make_ablation_table(values, 'base', ['r_t', 's*']).metrics == ['r_t', 'swd']
    with pytest.raises(ValueError, match="called 'fid'; there are swd, precision, r_t"):
        make_ablation_table(values, 'base', ['fid'])
    with pytest.raises(ValueError, match="baseline must be one of base, good, bad, got 'x'"):
        make_ablation_table(values, 'x')


def test_markdown(values):
    table = make_ablation_table(values, 'base')
    table.descriptions = dict(good='a.py k=[1|2]')
    lines = table.to_markdown().splitlines()
    assert lines[0] == '| variant | seeds | swd ↓ | precision ↑ |'
    assert lines[2] == '| base (baseline) | 4 | 2.100 ± 0.082 | 0.600 ± 0.082 |'
    # The mean and the difference end in a 5: either rounding is right.
    bold = r'\*\*1\.1[23] ± 0\.13 \(▲ -0\.9[78], p < 0\.001\)\*\*'
    assert re.match(rf'\| good \| 4 \| {bold} \|', lines[3])
    assert '| bad | 4 | 2.25 ± 0.13 (▼ +0.15, p 0.1) |' in lines[4]
    assert r'| good | a.py k=[1\|2] |' in lines
    assert 'below p 0.12 with 4 seeds' in '\n'.join(lines) and 'too small' not in '\n'.join(lines)


def test_two_seeds_are_too_few():
    table = make_ablation_table(values_of(a=dict(swd=[1.0, 2.0]), b=dict(swd=[2.0, 4.0])), 'a')
    shown = table.to_markdown()
    assert 'n too small for a test' in shown and 'p 0' not in shown and '▼ +1.5' in shown


def test_csv_is_unrounded(values):
    rows = list(csv.DictReader(io.StringIO(make_ablation_table(values, 'base').to_csv())))
    assert len(rows) == 6
    by_name = {(row['variant'], row['metric']): row for row in rows}
    base, good = by_name['base', 'swd'], by_name['good', 'swd']
    assert base['p_t'] == base['difference'] == base['verdict'] == '' and base['n'] == '4'
    assert float(good['std']) == np.std([1.0, 1.1, 1.3, 1.1], ddof=1)
    assert float(good['p_sign_flip']) == 0.125 and good['better'] == 'lower'
    assert float(good['p_sign_flip_holm']) == 0.25 and good['verdict'] == 'better'


def test_latex_is_escaped():
    values = {
        'a_1': {s: dict(spectrum_distance=1e-9 * (s + 1)) for s in range(3)},
        '50% & #x {~^\\}': {s: dict(spectrum_distance=5e-9 + 1e-9 * s * s) for s in range(3)},
    }
    text = make_ablation_table(values, 'a_1').to_latex()
    assert r'variant & seeds & spectrum\_distance $\downarrow$ \\' in text
    assert r'a\_1 (baseline) & 3 & $2 \cdot 10^{-9} \pm 1 \cdot 10^{-9}$ \\' in text
    assert r'50\% \& \#x \{\textasciitilde{}\textasciicircum{}\textbackslash{}\}' in text
    body = text[text.index(r'\begin') :]
    assert body.count('{') - body.count(r'\{') == body.count('}') - body.count(r'\}')
    assert all(line.isascii() for line in body.splitlines())
    assert 'p = 0.0' in text


def test_missing_values_are_dashes():
    values = dict(a={0: dict(swd=1.0)}, b={})
    table = make_ablation_table(values, 'a')
    assert '| b | 0 | – |' in table.to_markdown() and 'b & 0 & -- ' in table.to_latex()
