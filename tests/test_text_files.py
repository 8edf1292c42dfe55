"""Every text file is opened with its encoding: that of the machine may be any."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = [
    path
    for folder in ('mmfncontra', 'tools', 'projects', 'benchmarks')
    for path in sorted((ROOT / folder).rglob('*.py'))
]
# Number of positional arguments that include the encoding, and place of the mode.
CALLS = {'read_text': (1, None), 'write_text': (2, None), 'open': (3, 0), 'fdopen': (3, 1)}


def _calls(path):
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Call):
            function = node.func
            yield node, getattr(function, 'attr', getattr(function, 'id', ''))


def _mode(call, place):
    named = [word.value for word in call.keywords if word.arg == 'mode']
    if isinstance(call.func, ast.Name):  # the built-in one takes the file first
        place += 1
    values = named or call.args[place : place + 1]
    return values[0].value if values and isinstance(values[0], ast.Constant) else 'r'


def _is_other_open(call):
    """Of an image, an archive or a descriptor, whose second argument is no mode of text."""
    owner = getattr(call.func, 'value', None)
    return getattr(owner, 'id', '') in ('os', 'Image', 'archive', 'zipfile')


def _lacks_encoding(call, name):
    if name not in CALLS or (name == 'open' and _is_other_open(call)):
        return False
    number, place = CALLS[name]
    is_text = place is None or 'b' not in str(_mode(call, place))
    has_encoding = len(call.args) >= number or any(k.arg == 'encoding' for k in call.keywords)
    return is_text and not has_encoding


def test_text_files_name_their_encoding():
    lacking = [
        f'{path.relative_to(ROOT)}:{call.lineno} {name}'
        for path in FILES
        for call, name in _calls(path)
        if _lacks_encoding(call, name)
    ]
    assert not lacking
