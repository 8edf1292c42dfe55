"""What launchers, trainings and scripts agree upon: exit codes, signals, environment variables."""

import signal

# How the processes of a training may be started.
LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')

# Exit codes of tools/train.py, which launch scripts understand.
# A wrong argument, a missing file: starting again changes nothing.
USER_ERROR = 2
# EX_TEMPFAIL of sysexits.h: stopped by SIGTERM, SIGUSR1 or SIGHUP, saved, to be started again by
# --resume.
PREEMPTED = 75
# Stopped by Ctrl-C and saved, as a shell says it: 128 + SIGINT.
INTERRUPTED = 130

# Signals that ask a training to save and leave: what Ctrl-C sends, what a node sends before it is
# taken away, what SLURM is told to send, what a terminal that closes sends. Windows has the first.
STOP_SIGNALS = tuple(
    getattr(signal, name)
    for name in ('SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGHUP')
    if hasattr(signal, name)
)

# Environment variables that the launcher sets. The process that the ranks' parent should be.
LAUNCHER_VARIABLE = 'MMFNCONTRA_LAUNCHER_PID'
# When the launcher was started, in nanoseconds since the epoch.
LAUNCHED_VARIABLE = 'MMFNCONTRA_LAUNCHED'
# Set where it starts ranks again.
RESTARTED_VARIABLE = 'MMFNCONTRA_RESTARTED'


def heard_signals() -> tuple[signal.Signals, ...]:
    """The signals of ``STOP_SIGNALS`` that this process listens for.

    Returns:
        All of them, but SIGHUP where it is ignored: ``nohup`` asks for that, and a training that it
        starts is to outlive its terminal.
    """
    return tuple(
        number
        for number in STOP_SIGNALS
        if not (number.name == 'SIGHUP' and signal.getsignal(number) is signal.SIG_IGN)
    )
