"""How our commands are typed, in lines that are printed for copying."""

import sys
from pathlib import Path


def typed(command: str) -> list[str]:
    """The words that start another of our commands as this process was started.

    Args:
        command: Its name, such as ``'check-data'``.

    Returns:
        ``python tools/check_data.py`` where a program of ``tools/`` runs, from the same folder;
        ``mmfncontra check-data`` otherwise.
    """
    tools = Path(sys.argv[0]).parent
    tool = tools / f'{command.replace("-", "_")}.py'
    if tools.name == 'tools' and tool.is_file():
        return ['python', tool.as_posix()]
    return ['mmfncontra', command]
