import base64
import hashlib
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from html_page import Page, decode
from PIL import Image
from toy_work_dir import write_card, write_picture, write_run

from mmfncontra.visualization.report.report import write_report

EVIL = '<script>alert(1)</script>'


@pytest.fixture(scope='module')
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    work_dir = write_run(tmp_path_factory.mktemp('runs') / 'one')
    return Page(write_report([work_dir]))


def test_nothing_comes_from_elsewhere(page: Page) -> None:
    assert len(page.all('img')) == 4 + 2 + 5 + 3 + 1  # samples, pictures, curves, metrics, spectra
    for tag, attributes in page.elements:
        assert tag not in ('link', 'iframe', 'object', 'embed', 'base', 'svg')
        for name, value in attributes.items():
            if name in ('src', 'href', 'srcset', 'action', 'poster', 'data'):
                assert value.startswith('#' if tag == 'a' else 'data:image/')
    style = ''.join(data for tag, data in page.texts if tag == 'style')
    assert 'url(' not in style and '@import' not in style


def test_pictures_decode_and_say_what_they_are(page: Page) -> None:
    for picture in page.all('img'):
        assert len(picture['alt']) > 10
        content = decode(picture['src'])
        if picture['src'].startswith('data:image/jpeg'):
            Image.open(io.BytesIO(content)).load()
        else:
            assert content.rstrip().endswith(b'</svg>')


def test_links_lead_to_sections(page: Page) -> None:
    ids = {attributes['id'] for _, attributes in page.elements if 'id' in attributes}
    assert {link['href'][1:] for link in page.all('a')} <= ids


def test_slider_goes_over_the_frames(page: Page) -> None:
    assert page.slider['max'] == page.slider['value'] == '3'
    assert page.slider['data-iterations'] == '0 200 400 600'
    assert page.slider['id'] in {label['for'] for label in page.all('label')}
    assert [frame['data-iteration'] for frame in page.frames] == ['0', '200', '400', '600']
    classes = [set(frame['class'].split()) for frame in page.frames]
    assert ['shown' in each for each in classes] == [False, False, False, True]
    assert ['printed' in each for each in classes] == [True, False, True, True]


def test_the_only_script_is_the_one_its_policy_allows(page: Page) -> None:
    assert len(page.all('script')) == 1
    script = ''.join(data for tag, data in page.texts if tag == 'script')
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = (m['content'] for m in page.all('meta') if 'http-equiv' in m)
    assert f"script-src 'sha256-{digest}'" in policy and "default-src 'none'" in policy


def test_headline_and_verdicts(page: Page) -> None:
    assert 'iterations 600 of 600' in page.text
    assert 'seed 0' in page.text
    assert 'last verdict overfitting at 600' in page.text
    assert 'best swd 10 at 400' in page.text
    # The same verdict twice in a row is one entry.
    assert 'iteration 200 healthy All is well. iterations 400–600 overfitting' in page.text
    assert 'Next: Raise p_ada.' in page.text


def test_all_verdicts_of_the_last_look_are_in_the_headline(tmp_path: Path) -> None:
    verdicts = [(1, 'healthy'), (2, 'overfitting'), (2, 'collapse')]
    entries = [dict(iteration=at, verdict=verdict) for at, verdict in verdicts]
    (tmp_path / 'doctor.json').write_text(json.dumps(entries))
    page = Page(write_report([tmp_path]))
    assert 'last verdict overfitting collapse at 2' in page.text


def test_tables_config_and_environment(page: Page) -> None:
    assert 'metric last best by swd iteration 600 400 swd 20 10' in page.text
    assert 'FID of 64 images is biased (last)' in page.text
    assert 'images.num_fake 64 64' in page.text
    assert "model = dict(type='LimitedDataGAN')" in page.text
    assert 'Python 3.11.7 PyTorch 2.11.0 seed 0' in page.text
    assert 'GCC 13.3' not in page.text and 'not environment' not in page.text


def test_seeds_are_grouped(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / f'fastgan_seed{seed}', seed) for seed in range(3)]
    other = write_run(tmp_path / 'base', 7, iterations=(0, 300), batch_size=4)
    page = Page(write_report([*runs, other], tmp_path / 'out' / 'all.html'))
    assert 'fastgan (3 seeds): mean ± std' in page.text
    # Last swd: 20, 21, 22 and, of the run that stands alone, 27.
    assert 'swd 20 21 22 27 21 ± 1' in page.text
    assert 'swd 10 11 12 17 11 ± 1' in page.text
    # One slider for all, over the iterations of any.
    assert page.slider['data-iterations'] == '0 200 300 400 600'
    assert len(page.frames) == 3 * 4 + 2
    losses = [i['alt'] for i in page.all('img') if i['alt'].startswith('loss_disc')]
    assert len(losses) == 1 and 'fastgan (3 seeds)' in losses[0] and 'base' in losses[0]


def test_means_need_comparable_values(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / f'a{seed}', seed) for seed in range(2)]
    write_card(runs[1], 600, num_fake=5000, swd=1.0)
    page = Page(write_report(runs, tmp_path / 'r.html'))
    assert 'Not comparable: images.num_fake differs: 64 (a0), 5000 (a1).' in page.text
    assert 'No mean over a (2 seeds): their values cannot be compared.' in page.text


def test_everything_is_escaped(tmp_path: Path) -> None:
    work_dir = write_run(tmp_path / EVIL.partition('/')[0], iterations=(0,))
    (work_dir / 'config.py').write_text(f'# {EVIL}\n')
    (work_dir / 'doctor.json').write_text(
        json.dumps([dict(iteration=1, verdict=f'"{EVIL}', message=EVIL, advice=EVIL)])
    )
    card = json.loads((work_dir / 'metrics' / 'iter_000600.json').read_text())
    card['metrics'][EVIL] = 1.0
    card['depends']['images'][EVIL] = EVIL
    card['warnings'] = [EVIL]
    (work_dir / 'metrics' / 'iter_000600.json').write_text(json.dumps(card))
    log = next(work_dir.glob('*/*.log'))
    log.write_text(f'System environment:\n    Python: {EVIL}\n')
    page = Page(write_report([work_dir]))
    assert len(page.all('script')) == 1 and EVIL not in page.source
    # Config, message, advice, verdict, metric (row, plot), warning, group key, value, environment.
    assert page.text.count(EVIL) >= 10


def test_names_may_look_like_formulas(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, i) for i, name in enumerate((r'_$\frac{', '$x$'))]
    (runs[0] / 'config.py').write_text('other = 1\n')
    page = Page(write_report(runs, tmp_path / 'r.html'))
    assert r'_$\frac{' in page.text


def test_same_names_get_their_parents(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / parent / 'run', i) for i, parent in enumerate('ab')]
    page = Page(write_report([*runs, runs[0]], tmp_path / 'r.html'))
    assert 'a/run, b/run' in page.text and page.text.count('Config of a/run') == 0
    assert len(page.frames) == 8  # the folder that is named twice counts once


def test_many_large_samples_stay_small(tmp_path: Path) -> None:
    first = write_picture(tmp_path / 'samples' / 'iter_000000.png', width=1536, height=300)
    for iteration in range(10, 1010, 10):
        shutil.copy(first, first.with_name(f'iter_{iteration:06d}.png'))
    out = write_report([tmp_path])
    page = Page(out)
    iterations = [int(frame['data-iteration']) for frame in page.frames]
    assert len(iterations) == 60 and iterations[0] == 0 and iterations[-1] == 1000
    assert set(np.diff(iterations)) == {10, 20}
    picture = Image.open(io.BytesIO(decode(page.all('img')[0]['src'])))
    assert picture.size == (1024, 200)
    assert out.stat().st_size < 2e6


def test_little_is_enough(tmp_path: Path) -> None:
    write_picture(tmp_path / 'samples' / 'iter_000000.png')
    page = Page(write_report([tmp_path]))
    assert page.slider['max'] == '0' and len(page.all('img')) == 1
    for sentence in (
        *('No picture of the negatives was written.', 'No scalars were logged.'),
        *('No metrics were measured.', 'No spectra were measured.', 'No config was kept.'),
        *('No nearest neighbours were looked up.', 'The doctor gave no verdict.'),
    ):
        assert sentence in page.text


def test_broken_files_are_left_out_and_named(tmp_path: Path) -> None:
    work_dir = write_run(tmp_path / 'run')
    whole = (work_dir / 'samples' / 'iter_000200.png').read_bytes()
    (work_dir / 'samples' / 'iter_000200.png').write_bytes(whole[: len(whole) // 2])
    (work_dir / 'negatives.png').write_bytes(b'')
    (work_dir / 'doctor.json').write_text('[{"iteration": 1, "verdict": "healthy"}, {}, 3]')
    (work_dir / 'metrics' / 'iter_000200.json').write_text('{"metrics": ')
    (work_dir / 'metrics' / 'iter_000400.json').write_text('{"metrics": [1], "depends": {}}')
    with next(work_dir.glob('*/vis_data/scalars.json')).open('a') as lines:
        lines.write('{"loss_gen": 0.\n')
    page = Page(write_report([work_dir]))
    assert page.slider['data-iterations'] == '0 400 600' and page.slider['max'] == '2'
    for note in (
        *('samples/iter_000200.png is no picture', 'negatives.png is no picture'),
        *('1 broken line(s) of scalars.json', 'entries of doctor.json without'),
        *('iter_000200.json is no metric card', 'iter_000400.json is no metric card'),
    ):
        assert note in page.text


def test_not_a_number_is_shown_as_such(tmp_path: Path) -> None:
    write_card(tmp_path, 10, swd=float('nan'), fid=float('inf'), copy_rate=0.5)
    page = Page(write_report([tmp_path]))
    assert 'metric last iteration 10 swd nan fid inf copy_rate 0.5' in page.text


def test_same_folder_same_bytes(tmp_path: Path) -> None:
    work_dir = write_run(tmp_path / 'run', iterations=(0,))
    first = write_report([work_dir], tmp_path / 'a.html').read_bytes()
    assert first == write_report([work_dir], tmp_path / 'b.html').read_bytes()


@pytest.mark.parametrize(
    ('name', 'error', 'said'),
    [
        ('absent', FileNotFoundError, 'does not exist'),
        ('file', FileNotFoundError, 'is a file'),
        ('empty', ValueError, 'it has no samples/iter_'),
    ],
)
def test_what_is_no_run(tmp_path: Path, name: str, error: type, said: str) -> None:
    (tmp_path / 'file').touch()
    (tmp_path / 'empty').mkdir()
    with pytest.raises(error, match=said):
        write_report([tmp_path / name])


def test_mistaken_arguments(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='got none'):
        write_report([])
    with pytest.raises(ValueError, match='out must be a file'):
        write_report([write_run(tmp_path / 'run', iterations=(0,))], tmp_path)
