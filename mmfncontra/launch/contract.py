"""What launchers, trainings and scripts agree upon: exit codes, signals, environment variables."""

import signal

# How the processes of a training may be started.
LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')

# Exit codes of tools/train.py, which launch scripts understand.
# A wrong argument, a missing file: starting again changes nothing.
USER_ERROR = 2
# EX_TEMPFAIL of sysexits.h: stopped by SIGTERM or SIGUSR1, saved, to be started again by --resume.
PREEMPTED = 75
# Stopped by Ctrl-C and saved, as a shell says it: 128 + SIGINT.
INTERRUPTED = 130

# Signals that ask a training to save and leave: what Ctrl-C sends, what a node sends before it is
# taken away, what SLURM is told to send. Windows has the first.
STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ('SIGINT', 'SIGTERM', 'SIGUSR1') if hasattr(signal, name)
)

# Environment variables that the launcher sets. The process that the ranks' parent should be.
LAUNCHER_VARIABLE = 'MMFNCONTRA_LAUNCHER_PID'
# When the launcher was started, in nanoseconds since the epoch.
LAUNCHED_VARIABLE = 'MMFNCONTRA_LAUNCHED'
# Set where it starts ranks again.
RESTARTED_VARIABLE = 'MMFNCONTRA_RESTARTED'
