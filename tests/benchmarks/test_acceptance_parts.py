"""What the checks are made of."""

import json
import math
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from acceptance import agreement, gpu_tests, measure, nccl, photographs, resume, steps
from acceptance.host_draws import HostDraws
from acceptance.modes import MODES
from acceptance.run import Run, read_lines
from torch import nn


@pytest.fixture
def run(tmp_path):
    now = time.monotonic()
    return Run(tmp_path / 'x.jsonl', tmp_path, tmp_path, 'cpu', True, now, now + 60, 'some')


def test_traffic_counts_what_is_read_and_written():
    a, b = torch.rand(3, 5), torch.rand(5, 7)
    with measure.Traffic() as traffic:
        (a @ b).t().view(7, 3)
    assert traffic.bytes == {'mm': 4 * (3 * 5 + 5 * 7 + 3 * 7)}
    with measure.Traffic() as traffic:
        a.add_(1.0)
    assert traffic.bytes == {'add_': 4 * 2 * 15}


def test_operations_of_forward_and_backward():
    weight = torch.rand(64, 32, requires_grad=True)
    found = measure.operations(lambda: (torch.rand(16, 64) @ weight).sum().backward())
    assert found['gflop'] == pytest.approx(2 * 2 * 16 * 64 * 32 / 1e9)
    assert found['gb'] * 1e9 > 4 * 2 * (16 * 64 + 64 * 32 + 16 * 32)


def test_floor_is_the_larger_of_arithmetic_and_traffic():
    rates = dict(float32=0.5, bfloat16=2.0, copy_tb_s=0.1)  # of 1e12 a second
    work = dict(gflop=10.0, gb=1.0)
    assert measure.floor_ms(work, rates, 'float32') == pytest.approx(20.0)
    assert measure.floor_ms(work, rates, 'bfloat16') == pytest.approx(10.0)


def test_a_profile_names_what_ran():
    found = measure.profile(lambda: torch.rand(64, 64) @ torch.rand(64, 64), 'cpu')
    assert found['kernels'] >= 3 and found['busy_ms'] > 0
    assert 'aten::mm' in found['costliest']


def test_host_draws_are_those_of_the_cpu():
    torch.manual_seed(0)
    expected = [torch.rand(2), torch.randn(2), torch.randint(9, (2,)), torch.empty(2).normal_()]
    expected += [torch.randn(2, dtype=torch.float64)]
    torch.manual_seed(0)
    with HostDraws():
        like = torch.empty(2, dtype=torch.float64)
        found = [torch.rand(2, device='cpu'), torch.randn(2), torch.randint(9, (2,), device='cpu')]
        target = torch.zeros(2, requires_grad=True).detach()
        assert target.normal_() is target
        found += [target, torch.randn_like(like)]
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_host_draws_go_where_they_are_wanted():
    with HostDraws():
        assert torch.rand(2, device='meta').is_meta
        assert torch.rand_like(torch.empty(2, device='meta')).is_meta
        assert torch.empty(2, device='meta').uniform_().is_meta


def test_agreement_sees_a_difference(run):
    calls = []

    def part(device):
        calls.append(device)
        return dict(same=torch.ones(3), other=torch.tensor([1.0, 2.0 + 0.01 * len(calls)]))

    agreement.compare(run, 'part', part)
    (line,) = read_lines(run.results)
    assert line['fine'] is False and line['errors']['same'] == 0
    assert line['errors']['other'] == pytest.approx(0.01 / math.hypot(1, 2.01), rel=1e-2)


def test_a_value_that_is_none_is_no_agreement(run):
    values = iter([torch.ones(2), torch.tensor([1.0, math.nan])])
    agreement.compare(run, 'part', lambda device: dict(x=next(values)))
    assert read_lines(run.results)[0]['fine'] is False


def checkpoint(shift=0.0, draw=1):
    ranks = [dict(random=dict(torch=torch.tensor([draw]), python=[3, torch.tensor([1]), None]))]
    optimizer = dict(generator=dict(state={0: dict(exp_avg=torch.ones(2) + shift)}))
    return dict(state_dict=dict(w=torch.ones(2) + shift), optimizer=optimizer, ranks=ranks)


def test_checkpoints_are_compared_to_the_bit():
    same = resume.compare(checkpoint(), checkpoint())
    assert same == dict(tensors=4, differ=0, same_draws=True, largest_difference=0.0)
    other = resume.compare(checkpoint(), checkpoint(1e-6, draw=2))
    assert other['differ'] == 3 and not other['same_draws']
    assert other['largest_difference'] == pytest.approx(1e-6, rel=0.1)


XML = """<testsuites><testsuite>
<testcase classname="tests.a" name="test_one" />
<testcase classname="tests.a" name="test_two"><failure message="assert 1 == 2&#10;where">x</failure>
</testcase>
<testcase classname="" name="tests.b"><error message="not collected">no module</error></testcase>
<testcase classname="tests.a" name="test_three"><skipped message="why" /></testcase>
</testsuite></testsuites>"""


def test_failures_of_tests_are_named(run, tmp_path):
    report = tmp_path / 'tests.xml'
    report.write_text(XML)
    gpu_tests.report_tests(run, report, 1)
    whole, *failed = read_lines(run.results)
    assert (whole['tests'], whole['failed'], whole['skipped']) == (4, 2, 1)
    assert whole['fine'] is False
    assert failed[0]['test'] == 'tests.a::test_two' and failed[0]['error'] == 'assert 1 == 2 where'
    assert failed[1]['error'] == 'not collected'


@pytest.mark.parametrize(('dry', 'fine'), [(True, True), (False, False)])
def test_tests_that_were_all_skipped_show_nothing_on_a_gpu(run, tmp_path, dry, fine):
    report = tmp_path / 'tests.xml'
    report.write_text('<a><testcase classname="a" name="b"><skipped /></testcase></a>')
    gpu_tests.report_tests(replace(run, dry=dry), report, 0)
    assert read_lines(run.results)[0]['fine'] is fine


def test_there_are_tests_for_the_gpu():
    assert len(gpu_tests.with_gpu_tests(Path(__file__).parents[1])) >= 5


def test_losses_are_read_from_the_log(tmp_path):
    folder = tmp_path / '2026' / 'vis_data'
    folder.mkdir(parents=True)
    lines = [dict(loss_disc=1.0, loss_gen=2.0, time=0.1, iter=1), dict(r_t_clean=0.5, step=1)]
    (folder / 'scalars.json').write_text('\n'.join(map(json.dumps, lines)))
    assert nccl.logged(tmp_path) == [dict(loss_disc=1.0, loss_gen=2.0)]


class Toy(nn.Module):
    precision = 'float32'

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def forward(self):
        time.sleep(self.seconds)
        return torch.ones(4, 4) @ torch.ones(4, 4)


def test_modes_are_a_table_and_what_fails_does_not_end_it(run, monkeypatch):
    def fails(case):
        raise RuntimeError('cannot be built')

    slow = {'fastgan': 0.001, 'fncontra': 0.5}
    monkeypatch.setitem(MODES, 'broken', fails)
    monkeypatch.setitem(MODES, 'toy', lambda case: Toy(slow[case.family]))
    steps.check(run, steps.Setting(256, 8, ('broken', 'toy')))
    lines = read_lines(run.results)
    assert lines[0]['mode'] == 'broken' and lines[0]['fine'] is False
    timed = {line['family']: line for line in lines if 'ms' in line}
    assert timed['fncontra']['ms'] >= 500 and timed['fastgan']['gflop'] == 0
    (ratio,) = [x['fncontra_over_fastgan'] for x in lines if 'fncontra_over_fastgan' in x]
    assert ratio > 2


def test_without_its_packages_a_check_is_left_out(run, monkeypatch):
    for module in (steps, photographs):
        monkeypatch.setattr(module, 'missing', lambda lite: f'no Lite{lite}')
    families = ('projected',)
    steps.check(run, steps.Setting(256, 64, ('eager',), families, pretrained=True))
    photographs.check(run)
    assert [line['skipped'] for line in read_lines(run.results)] == ['no Lite0'] * 2


def test_time_is_shared_among_sets_of_photographs(run, tmp_path, monkeypatch):
    begun = []

    def compare(run, trainings, lasting):
        begun.append([training.name for training in trainings])
        assert lasting() == pytest.approx(60 / (3 - len(begun)) - 10, abs=1)

    for name in ('shoes', 'hats'):
        (tmp_path / 'sets' / name).mkdir(parents=True)
    monkeypatch.setattr(photographs, 'missing', lambda lite: None)
    monkeypatch.setattr(photographs, '_AFTERWARDS', 10)
    monkeypatch.setattr(photographs, 'compare', compare)
    photographs.check(replace(run, dry=False, photographs=tmp_path / 'sets'))
    assert begun == [
        [f'{name}_projected', f'{name}_projected-fncontra'] for name in ('hats', 'shoes')
    ]


def test_a_mode_for_which_no_time_is_left_is_skipped(run, monkeypatch):
    monkeypatch.setitem(MODES, 'toy', lambda case: Toy(0.2))
    short = replace(run, until=time.monotonic() + 2)
    steps.check(short, steps.Setting(256, 8, ('toy', 'toy', 'toy'), ('fncontra',)))
    lines = read_lines(run.results)
    assert 'ms' in lines[0] and 'were left' in lines[-1]['skipped'] and 'fine' not in lines[-1]
