"""A name for a user id that has none: torch 2.6 to 2.11 asks for one when it is imported."""

import getpass
import os


def name_user() -> None:
    """Let this process's user have a name, if nothing else gives one.

    A container may run under any user id (``docker run --user``, OpenShift, Kubernetes). torch
    2.6 to 2.11 names the folder of its compile cache after the user, and fails where neither
    ``/etc/passwd`` nor the environment knows one (pytorch/pytorch#140765). Call it before torch is
    imported. It sets ``USER``, also for processes that this one starts.
    """
    try:
        getpass.getuser()
    # What is raised depends on the system and on the version of python.
    except (KeyError, OSError, ImportError):
        os.environ['USER'] = f'uid{os.getuid()}' if hasattr(os, 'getuid') else 'user'
