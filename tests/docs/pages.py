"""What pages, docstrings and the headers of scripts show as code."""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What an inline piece of code begins with, if it is a command.
PROGRAM = re.compile(
    r'(?:\.venv/bin/)?(?:python3?|pytest|ruff|make|pip|torchrun|tensorboard|mmfncontra)$|[\w/$]+\.(?:py|sh)$'
)
_ASSIGNMENT = re.compile(r'[A-Z_a-z]+=')


@dataclass(frozen=True)
class Code:
    """A piece of code of a page: a block in its lines, or an inline one in one line."""

    page: str
    line: int
    text: str
    language: str | None = None
    """Of a block, ``''`` where it names none; ``None`` inline."""

    def __str__(self) -> str:
        return f'{self.page}:{self.line}: {self.text}'


@dataclass
class Command:
    """A command line, its variables apart from its words."""

    page: str
    line: int
    words: list[str]
    env: dict[str, str] = field(default_factory=dict)
    inline: bool = False

    def __str__(self) -> str:
        variables = [f'{name}={value}' for name, value in self.env.items()]
        return f'{self.page}:{self.line}: {" ".join([*variables, *self.words])}'


def sources(root: Path = ROOT) -> list[Path]:
    """Pages, programs and scripts in which there may be commands."""
    folders = [root / name for name in ('tools', 'projects', 'benchmarks')]
    return [
        *sorted(root.glob('*.md')),
        *sorted(root.glob('docs/**/*.md')),
        *(p for folder in folders for p in sorted(folder.rglob('*')) if _is_source(p)),
        root / 'tests/chaos.py',
    ]


def _is_source(path: Path) -> bool:
    return path.suffix in ('.md', '.py', '.sh') and 'configs' not in path.parts


def read_code(path: Path, page: str) -> list[Code]:
    """All code of a page; of a program the command lines of its docstring or header."""
    text = path.read_text(encoding='utf-8')
    if path.suffix == '.md':
        blocks, prose = _read_blocks(text, page)
        return sorted([*blocks, *_read_inline(prose, page)], key=lambda code: code.line)
    if path.suffix == '.sh':
        header = re.match(r'(?:#.*\n)+', text)[0]
        lines = [re.sub(r'^#\s*|\[.*?\]', '', line) for line in header.splitlines()]
    else:
        lines = (ast.get_docstring(ast.parse(text)) or '').splitlines()
    return [
        Code(page, number, line.strip(), 'bash')
        for number, line in enumerate(lines, 1)
        if ' ' in line.strip() and _is_command(line.split()) and not line.rstrip().endswith('.')
    ]


def _is_command(words: list[str]) -> bool:
    words = [word for word in words if not _ASSIGNMENT.match(word)]
    return bool(words) and bool(PROGRAM.match(words[0]))


def _read_blocks(text: str, page: str) -> tuple[list[Code], str]:
    """Fenced and indented blocks, and the text with empty lines in their place."""
    blocks, prose = [], []
    block, language, start = None, None, 0
    before = ''
    for number, line in enumerate([*text.splitlines(), ''], 1):
        fence = re.match(r'```(\w*)', line)
        if block is None and fence:
            block, language, start = [], fence[1], number + 1
        elif block is None and line.startswith('    ') and not before:
            block, language, start = [line[4:]], None, number
        elif block is not None and (fence if language is not None else line[:4].strip()):
            blocks.append(Code(page, start, '\n'.join(block).rstrip(), language or ''))
            block = None
            if not fence:
                prose.append(line)
                before = line.strip()
                continue
        elif block is not None:
            block.append(line if language is not None else line[4:])
        else:
            prose.append(line)
            before = line.strip()
            continue
        prose.append('')
        before = ''
    if block is not None:
        blocks.append(Code(page, start, '\n'.join(block).rstrip(), language or ''))
    return blocks, '\n'.join(prose)


def _read_inline(prose: str, page: str) -> Iterator[Code]:
    for found in re.finditer(r'`((?:[^`\n]|\n(?!\s*\n))+)`', prose):
        line = prose.count('\n', 0, found.start()) + 1
        yield Code(page, line, ' '.join(found[1].replace('\\|', '|').split()))


def read_commands(code: Code) -> Iterator[Command]:
    """Command lines of a piece of code; of a block, every line is one."""
    if code.language is None:
        if ' ' in code.text and _is_command(code.text.split()):
            yield _command(code, code.line, code.text)
        return
    number = code.line
    for line in re.split(r'(?<!\\)\n', code.text):
        for part in line.replace('\\\n', ' ').split(' && '):
            if part.strip() and not part.startswith('#'):
                yield _command(code, number, part)
        number += 1 + line.count('\n')


def _command(code: Code, line: int, text: str) -> Command:
    if re.fullmatch(r'\w+=\$\(.*\)\S*|\w+=\S+', text):  # whose value is the shell's
        return Command(code.page, line, [text])
    words = shlex.split(text, comments=True)
    env = {}
    while words and (words[0] == 'time' or _ASSIGNMENT.match(words[0])):
        name, _, value = words.pop(0).partition('=')
        if value:
            env[name] = value
    return Command(code.page, line, words, env, code.language is None)


def is_python(code: Code) -> bool:
    """Whether a block is Python rather than commands or a listing."""
    if code.language == 'python':
        return True
    first = code.text.split('\n')[0]
    return code.language == '' and ' = ' in first and not _is_command(first.split())
