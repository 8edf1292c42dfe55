"""The report in a headless Chromium: needs the package playwright and a browser."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from toy_work_dir import write_run

from mmfncontra.visualization.report.report import write_report

playwright = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
_NAMES = ('chromium', 'chromium-browser', 'google-chrome')
_SHOWN = '.frame.shown'


def _executable() -> str | None:
    """Of ``CHROMIUM`` or the system; None leaves it to the one that playwright installs."""
    return os.environ.get('CHROMIUM') or next(filter(None, map(shutil.which, _NAMES)), None)


@pytest.fixture(scope='module')
def browser() -> Iterator:
    with playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=_executable(), args=['--no-sandbox'])
        except playwright.Error as error:
            pytest.skip(f'no Chromium can be started: {str(error).splitlines()[0]}')
        yield browser
        browser.close()


@pytest.fixture(scope='module')
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('report')
    # Names that would run, were they not escaped.
    runs = [write_run(folder / f'<img src=x onerror=alert(1)>{seed}', seed) for seed in (0, 1)]
    runs.append(write_run(folder / 'other', 2, iterations=(0, 300), batch_size=4))
    return write_report(runs, folder / 'report.html')


@pytest.fixture(params=[1200, 360])
def page(browser, report: Path, request: pytest.FixtureRequest) -> Iterator:
    page = browser.new_page(viewport=dict(width=request.param, height=800))
    said, asked = [], []
    page.on('console', lambda message: said.append(message.text))
    page.on('pageerror', lambda error: said.append(str(error)))
    page.on('dialog', lambda dialog: said.append(dialog.message) or dialog.dismiss())
    page.on('request', lambda r: asked.append(r.url) if not r.url.startswith('data:') else None)
    page.goto(report.as_uri())
    yield page
    page.screenshot(path=report.with_name(f'report_{request.param}.png'), full_page=True)
    page.close()
    assert said == [] and asked == [report.as_uri()]


def shown(page) -> list[str]:
    frames = page.query_selector_all(_SHOWN)
    assert all(frame.is_visible() for frame in frames)
    assert len(page.query_selector_all('.frame:visible')) == len(frames)
    return [frame.get_attribute('data-iteration') for frame in frames]


def test_slider_moves_all_runs(page) -> None:
    assert shown(page) == ['600', '600', '300']
    page.focus('#iteration')
    page.keyboard.press('Home')
    assert shown(page) == ['0', '0', '0']
    page.keyboard.press('ArrowRight')
    page.keyboard.press('ArrowRight')
    # Iterations 0, 200, 300, 400, 600 of any run: each shows what it had by then.
    assert shown(page) == ['200', '200', '300']
    assert page.inner_text('#iteration-shown') == 'iteration 300 (3 of 5)'
    assert page.get_attribute('#iteration', 'aria-valuetext') == 'iteration 300'


def test_play_goes_to_the_end_and_stops(page) -> None:
    assert page.inner_text('#play') == 'Play'
    page.click('#play')
    assert page.inner_text('#play') == 'Pause' and shown(page)[0] == '0'
    page.wait_for_selector('#play:text-is("Play")')
    assert shown(page) == ['600', '600', '300']


def test_pictures_load_and_nothing_scrolls_sideways(page) -> None:
    for details in page.query_selector_all('details'):
        details.evaluate('(details) => { details.open = true; }')
    assert page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')
    assert page.evaluate('[...document.images].every((i) => i.complete && i.naturalWidth > 0)')


def test_on_paper_three_grids_stand_for_the_slider(page) -> None:
    page.emulate_media(media='print')
    assert not page.is_visible('#iteration')
    visible = page.query_selector_all('.frame:visible')
    printed = [frame.get_attribute('data-iteration') for frame in visible]
    assert printed == ['0', '200', '600', '0', '200', '600', '0', '300']
