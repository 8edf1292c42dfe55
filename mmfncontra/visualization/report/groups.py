"""Runs told apart by name, and put together where they differ in nothing but their seed."""

import os
import re
from collections.abc import Sequence
from itertools import takewhile

from .record import RunRecord, config_without_seed


def give_names(runs: Sequence[RunRecord]) -> None:
    """Name runs by their folders, with as many parents as it takes to tell them apart.

    Args:
        runs: Runs with different folders; their names are changed in place.
    """
    names = [run.path.resolve().name for run in runs]
    if len(set(names)) < len(names):
        paths = [run.path.resolve() for run in runs]
        common = os.path.commonpath(paths)
        names = [os.path.relpath(path, common) for path in paths]
    for run, name in zip(runs, names, strict=True):
        run.name = name


def group_runs(runs: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Put runs together whose configs are the same but for the seed.

    Args:
        runs: Runs with names of their own.

    Returns:
        Label to runs. A run without a config stands alone.
    """
    together: dict[str, list[RunRecord]] = {}
    for run in runs:
        key = config_without_seed(run.config) if run.config.strip() else f'# {run.path.resolve()}'
        together.setdefault(key, []).append(run)
    groups: dict[str, list[RunRecord]] = {}
    for members in together.values():
        label = _label(members)
        if label in groups or (len(members) > 1 and label in {run.name for run in runs}):
            label = f'{label}, {members[0].name} …'
        groups[label] = members
    return groups


def _label(members: Sequence[RunRecord]) -> str:
    if len(members) == 1:
        return members[0].name
    names = [run.name for run in members]
    common = ''.join(
        letters[0]
        for letters in takewhile(lambda each: len(set(each)) == 1, zip(*names, strict=False))
    )
    common = re.sub(r'[\W_]*(seed|s)?[\W_]*$', '', common) or members[0].name
    seeds = {run.seed for run in members}
    kind = 'seeds' if len(seeds) == len(members) else 'runs'
    return f'{common} ({len(members)} {kind})'
