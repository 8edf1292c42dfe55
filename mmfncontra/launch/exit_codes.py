"""Exit codes of ``tools/train.py`` that launch scripts understand."""

# A wrong argument, a missing file: starting again changes nothing.
USER_ERROR = 2
# EX_TEMPFAIL of sysexits.h: stopped by SIGTERM or SIGUSR1, saved, to be started again by --resume.
PREEMPTED = 75
# Stopped by Ctrl-C and saved, as a shell says it: 128 + SIGINT.
INTERRUPTED = 130
