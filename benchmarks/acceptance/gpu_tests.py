"""The tests that need a GPU."""

import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from training_step import ROOT

from .run import Run


def check(run: Run) -> None:
    """Run the tests that are marked for it on the GPU; a line for each that fails."""
    report = run.files / 'tests.xml'
    report.unlink(missing_ok=True)  # of an earlier run
    # To collect all others would take as long as to run these.
    tests = [str(file) for file in with_gpu_tests(ROOT / 'tests')]
    if not tests:
        raise RuntimeError('no test has the mark')
    if run.dry:  # without a GPU they are skipped, and a few are enough to see that
        tests = tests[:1]
    command = [
        # With names: should one end the process, the log says which.
        *(sys.executable, '-m', 'pytest', '-v', '--tb=short', '-p', 'no:cacheprovider'),
        # A package that a machine lacks costs the tests that need it, not all of them.
        *('--continue-on-collection-errors', '--gpu', '-m', 'gpu', f'--junitxml={report}'),
    ]
    process = subprocess.Popen([*command, *tests], cwd=ROOT)
    try:
        code = process.wait(max(1.0, run.left - 10))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)  # it writes its report, with what it has
        code = process.wait()
    if report.exists():
        report_tests(run, report, code)
    else:
        error = 'pytest wrote no report; the log says what it did last'
        run.emit(exit_code=code, fine=False, error=error)


def with_gpu_tests(folder: Path) -> list[Path]:
    """Files that have a test with the mark."""
    files = sorted(folder.rglob('test_*.py'))
    return [file for file in files if 'mark.gpu' in file.read_text(encoding='utf-8')]


def report_tests(run: Run, report: Path, exit_code: int) -> None:
    """Say what is in a report.

    Args:
        run: The run.
        report: What pytest wrote as JUnit's XML.
        exit_code: That of pytest.
    """
    cases = list(ElementTree.parse(report).iter('testcase'))
    faults = [(case, case.find(kind)) for case in cases for kind in ('failure', 'error')]
    faults = [(case, fault) for case, fault in faults if fault is not None]
    skipped = [case for case in cases if case.find('skipped') is not None]
    run.emit(
        tests=len(cases),
        failed=len(faults),
        skipped=len(skipped),
        exit_code=exit_code,
        # Not a test that ran is no success, but in a dry run.
        fine=not faults and exit_code == 0 and (run.dry or len(cases) > len(skipped)),
    )
    for case, fault in faults:
        name = f'{case.get("classname")}::{case.get("name")}'
        message = ' '.join((fault.get('message') or fault.text or '').split())
        run.emit(test=name, fine=False, error=message[:500])
