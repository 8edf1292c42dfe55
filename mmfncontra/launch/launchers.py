"""How the processes of a training may be started."""

LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')
