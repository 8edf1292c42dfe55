"""How processes start, stop and agree: launcher, signals, lock, exit codes."""
