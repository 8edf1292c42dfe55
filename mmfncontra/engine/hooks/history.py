"""A JSON list of what happened in a training, which a resumed one goes on with."""

import json
from pathlib import Path

from mmengine.runner import Runner

from mmfncontra.utils.console import shown_name
from mmfncontra.utils.files import write_json


def read_history(runner: Runner, path: Path, key: str = 'iteration') -> list[dict]:
    """What happened up to the iteration where a run starts; what lies ahead leaves the file.

    Args:
        runner: The runner.
        path: The file, which need not be there. One that is no such list is left out, with a
            warning.
        key: Iterations of the entries.

    Returns:
        The entries; none for a new training.
    """
    try:
        entries = json.loads(path.read_text(encoding='utf-8'))
        kept = [entry for entry in entries if 0 < entry[key] <= runner.iter]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        runner.logger.warning(f'{shown_name(path)} is unreadable and begins anew: {error}')
        return []
    if len(kept) < len(entries):
        write_json(path, kept)
    return kept
