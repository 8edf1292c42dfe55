"""Tables of studies in pages."""

import shlex
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from .marked_text import fill_marks
from .results import compare_study
from .study import Study
from .study_file import read_study
from .table import AblationTable

MARK = 'table'


def make_table(study: Study, options: Namespace) -> AblationTable:
    """Compare the variants of a study as options say.

    Args:
        study: The study.
        options: ``only``, names of variants or None, ``at``, an iteration or None, and
            ``baseline``, ``metrics`` and ``cards`` of :func:`compare_study`; ``brief`` leaves out
            what the variants are, ``intervals`` shows those of differences.

    Returns:
        The table.

    Raises:
        ValueError: See :meth:`Study.only`, :meth:`Study.at` and :func:`compare_study`.
    """
    study = study if options.only is None else study.only(options.only)
    study = study if options.at is None else study.at(options.at)
    table = compare_study(study, options.baseline, options.metrics, options.cards)
    descriptions = {} if options.brief else table.descriptions
    return replace(table, descriptions=descriptions, intervals=options.intervals)


def fill_tables(text: str, page: Path, parser: ArgumentParser) -> str:
    """A page with the tables that its marks ask for, ``<!-- table: STUDY OPTIONS -->``.

    Args:
        text: The page.
        page: Its file; studies are named from one of the folders above it on.
        parser: Of a study and the options of :func:`make_table`.

    Returns:
        The page.

    Raises:
        ValueError: If a mark cannot be followed; the message has it.
    """

    def write(subject: str) -> str:
        parser.error = _refuse
        try:
            options = parser.parse_args(shlex.split(subject))
            folders = page.resolve().parents
            found = (each / options.study for each in folders if (each / options.study).is_file())
            study = read_study(next(found, options.study))
            return make_table(study, options).to_markdown()
        except (ValueError, FileNotFoundError) as error:
            raise ValueError(f'{page}, {MARK} {subject}: {error}') from error

    return fill_marks(text, MARK, write)


def _refuse(message: str) -> NoReturn:
    """Raise what argparse would print."""
    raise ValueError(message)
