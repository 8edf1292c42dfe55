"""What the pages tell a reader to type works: run small, or resolved where it takes long."""

import ast
import re
import shlex
from pathlib import Path

import pytest
from mmengine.registry import Registry
from pages import ROOT, Code, is_python, read_code, read_commands, sources
from programs import DEMO, FOREIGN, RECIPE, check_key, takes
from runs import RESOLVED, Session

from mmfncontra import registry
from mmfncontra.config.load import load_config

PAGES = {path.relative_to(ROOT).as_posix(): path for path in sources()}
CODES = {page: read_code(path, page) for page, path in PAGES.items()}
MARKDOWN = [page for page in PAGES if page.endswith('.md')]
# Blocks that are neither commands nor Python, by how they begin.
LISTINGS = ('images ─► ', 'data/mine/', 'data/animals/cat/001.jpg')
FAMILIES = [path.name for path in (ROOT / 'configs').iterdir() if path.name != '_base_']
# Files that a reader is to write.
NOT_HERE = ('docs/gpu', 'configs/mine.py', 'sitecustomize.py')
FOLDERS = ('configs', 'tools', 'docs', 'projects', 'benchmarks', 'tests', 'requirements')
FILES = {path.name for folder in FOLDERS for path in (ROOT / folder).rglob('*.*')}
NAMED = re.compile(
    rf'(?<![\w./$*-])(?:{"|".join((*FOLDERS, "mmfncontra", *FAMILIES))})/[\w./<>*-]*(?:::\w+)?'
    r'|(?<=`)[\w-]+\.(?:py|sh)(?=`)'
)
KEY = re.compile(
    r'(model|train_cfg|optim_wrapper|env_cfg|randomness|default_hooks|(train|val|test)_dataloader'
    r'|val_evaluator|test_evaluator|visualizer)(\.\w+)+(=.*)?'
)
REGISTRIES = [kind for kind in vars(registry).values() if isinstance(kind, Registry)]


@pytest.fixture(scope='module')
def trained():
    """Trainings that have been run, for all pages."""
    return {}


@pytest.fixture
def session(trained, tmp_path, pytestconfig, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('LOCAL_RANK', '0')  # which tools/train.py sets
    return Session(tmp_path, trained, pytestconfig)


def commands(codes):
    for code in codes:
        is_listing = code.language is not None and code.text.startswith((*LISTINGS, '--'))
        if not (is_listing or is_python(code)):
            yield from read_commands(code)


def complaints(check, places, capsys=None):
    """What a check says of each place that it does not like."""
    for place in places:
        try:
            check(place)
        except (Exception, SystemExit) as error:
            said = f'{type(error).__name__}: {error}'
            if capsys is not None and isinstance(error, SystemExit):
                said = capsys.readouterr().err.strip().split('\n')[-1]
            yield f'{place}: {said}'


def assert_fine(*arguments):
    found = list(complaints(*arguments))
    assert not found, '\n'.join(found)


@pytest.mark.parametrize('page', [page for page, codes in CODES.items() if list(commands(codes))])
def test_commands(page, session, capsys):
    assert_fine(session.do, commands(CODES[page]), capsys)


PROGRAMS = re.compile(
    r'(?<![\w/])(?:tools(?:/model_converters)?|benchmarks)/\w+\.py|tests/chaos\.py'
)


def programs_of(page):
    """Those that a page speaks of, or that lie beside it."""
    named = set(PROGRAMS.findall(PAGES[page].read_text(encoding='utf-8')))
    beside = {
        f'{Path(page).parent}/{name}' for name in ('run.py', 'train.py') if 'projects/' in page
    }
    found = {'tools/train.py', *named, *beside}
    main = re.compile(r'def main\(|import .*\bmain\b')
    return sorted(name for name in found if main.search((ROOT / name).read_text('utf-8')))


def test_what_is_resolved_here_is_run_elsewhere():
    for reason in RESOLVED.values():
        assert all((ROOT / name).exists() for name in re.findall(r'tests/[\w/.]+', reason))
    tests = ''.join(p.read_text('utf-8') for p in (ROOT / 'tests/benchmarks').glob('test_*.py'))
    scripts = [p for p in (ROOT / 'benchmarks').glob('*.py') if 'def main(' in p.read_text('utf-8')]
    assert len(scripts) > 5 and all(script.stem in tests for script in scripts)


def check_options(code):
    """Refuse options that no program of the page has, and keys that no config takes."""
    words = shlex.split(code.text.replace('\\\n', ' '))
    if words[0] in FOREIGN:
        return
    if words[0].startswith('--'):
        if not any(takes(name, words) for name in programs_of(code.page)):
            raise ValueError(f'none of {", ".join(programs_of(code.page))} takes {words[0]} so')
        words = words[1:] if words[0] == '--cfg-options' else []
    for word in words:
        if KEY.fullmatch(word):
            check_key(word)


@pytest.mark.parametrize('page', MARKDOWN)
def test_options_and_keys(page):
    codes = [
        code
        for code in CODES[page]
        if code.text.startswith('--') or (code.language is None and KEY.match(code.text))
    ]
    assert_fine(check_options, codes)


def missing_files(page, text):
    for number, line in enumerate(text.split('\n'), 1):
        for name in NAMED.findall(line):
            file, _, test = name.rstrip('.').partition('::')
            places = (ROOT, (ROOT / page).parent, ROOT / 'configs', ROOT / 'tools')
            files = [found for place in places for found in place.glob(re.sub('<.*?>', '*', file))]
            is_there = files or file in FILES or file.rstrip('/').startswith(NOT_HERE)
            if not is_there or (test and f'def {test}(' not in files[0].read_text('utf-8')):
                yield f'{page}:{number}: {name.rstrip(".")}'


@pytest.mark.parametrize('page', MARKDOWN)
def test_files_that_are_named_exist(page):
    assert not list(missing_files(page, PAGES[page].read_text(encoding='utf-8')))


@pytest.mark.parametrize(
    'name',
    [
        *('configs/fncontra/fastgan_dmo.py', 'fncontra/fastgn*', '`fastgan-ofline.py`'),
        'tests/test_chaos.py::test_that_is_not_there',
    ],
)
def test_a_file_that_is_not_there_is_named(name):
    assert list(missing_files('README.md', f'one\nsee {name}.')) == [
        f'README.md:2: {name.strip("`")}'
    ]


def component_types(node):
    """Names of components in a config."""
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == 'type')
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, dict | list | tuple):
            yield from component_types(child)


def with_bases(text, page):
    """A config of a page over its bases, wherever they are, or over a recipe."""
    found = re.search(r'_base_ = (.*)\n', text)
    if found is None:
        recipe = '' if page.startswith('projects') else f'_base_ = [{str(ROOT / RECIPE)!r}]\n'
        return recipe + text
    names = ast.literal_eval(found[1])
    names = [names] if isinstance(names, str) else names
    if all(name.startswith('mmfncontra::') for name in names):
        return text
    for folder in (ROOT / 'configs', *ROOT.glob('configs/**/'), *ROOT.glob('projects/*/configs')):
        if all((folder / name).is_file() for name in names):
            bases = [str(folder / name) for name in names]
            return text.replace(found[0], f'_base_ = {bases}\n')
    raise FileNotFoundError(f'no folder of configs has {names}')


def check_python(code, folder):
    """Execute what imports something; load anything else as a config, or several."""
    if re.search('^(import|from) ', code.text, re.M):
        exec(compile(code.text, code.page, 'exec'), {})
        return
    # A comment that names a config begins another.
    for number, part in enumerate(re.split(r'(?m)^# .*: configs/.*\n', code.text + '\n')):
        if part.strip():
            file = folder / f'part_{number}.py'
            file.write_text(with_bases(part, code.page), encoding='utf-8')
            types = component_types(load_config(file).to_dict())
            for name in types if code.page.startswith(('README', 'docs')) else ():
                if not any(kind.get(name) for kind in REGISTRIES):
                    raise ValueError(f'there is no {name}')


@pytest.mark.parametrize(
    'page', [page for page, codes in CODES.items() if any(map(is_python, codes))]
)
def test_python(page, tmp_path, default_scope):
    assert_fine(lambda code: check_python(code, tmp_path), filter(is_python, CODES[page]))


PAGE = """\
Draw with `python tools/generate.py
a.pth --num 2`, or type

    . .venv/bin/activate && python tools/train.py a.py \\
        --data images  # takes minutes
    time GPUS=2 tools/dist_train.sh a.py 2

and `path.py` is a file.

```python
a = 1
```
"""


def test_commands_are_found(tmp_path):
    page = tmp_path / 'page.md'
    page.write_text(PAGE)
    found = list(commands(read_code(page, 'page.md')))
    assert [str(command) for command in found] == [
        'page.md:1: python tools/generate.py a.pth --num 2',
        'page.md:4: . .venv/bin/activate',
        'page.md:4: python tools/train.py a.py --data images',
        'page.md:6: GPUS=2 tools/dist_train.sh a.py 2',
    ]
    assert [command.inline for command in found] == [True, False, False, False]


@pytest.mark.parametrize(
    ('command', 'said'),
    [
        ('python tools/train.py configs/fncontra/fastgan_dmo.py', 'no command before makes it'),
        ('python tools/report.py work_dirs/never', 'no command before makes it'),
        ('python tools/nothing.py', 'neither run nor resolved'),
        ('conda install torch', 'neither run nor resolved'),
        ('pyhton tools/report.py .', 'neither run nor resolved'),
        (f'python tools/train.py {DEMO} --sed 1', 'unrecognized arguments: --sed'),
        (f'python tools/train.py {DEMO} --cfg-options model.contrst=None', 'did you mean model.c'),
        (f'python tools/ablate.py --work-dir a --seeds 0 {DEMO}', 'invalid int value'),
        (f'tools/dist_train.sh {DEMO} two', "GPUS must be a whole number from 1, got 'two'"),
        (f'torchrun --nproc=2 tools/train.py {DEMO} --launcher pytorch', 'unrecognized argu'),
        ('pytest tests --slwo', 'pytest has no --slwo'),
        ('make demos', "No rule to make target 'demos'"),
        ('python benchmarks/step.py --sizes 256', 'unrecognized arguments: --sizes'),
    ],
)
def test_a_broken_command_is_named_with_its_place(command, said, session, capsys, tmp_path):
    page = tmp_path / 'page.md'
    page.write_text(f'First\n\n    {command}\n')
    (complaint,) = complaints(session.do, commands(read_code(page, 'page.md')), capsys)
    assert complaint.startswith(f'page.md:3: {command}: ') and said in complaint


@pytest.mark.parametrize('text', ['--siez 3', '--cfg-options model.contrst=None', 'train_cfg.mx=1'])
def test_broken_options_are_named(text):
    page = Code('README.md', 7, text)
    (complaint,) = complaints(check_options, [page])
    assert 'README.md' in complaint and '7' in complaint
