"""Stands in for Slurm: ``sbatch`` fills a queue, ``squeue`` shows it, and a test runs its jobs."""

import os
import re
import subprocess
from pathlib import Path

PROGRAMS = {
    # Called with a script. Its answer is that of Slurm.
    'sbatch': """
if [ -n "$SBATCH_REFUSES" ]; then echo "sbatch: error: $SBATCH_REFUSES" >&2; exit 1; fi
id=$((11 + $(ls "$FAKE_SLURM/submitted" | wc -l)))
cp "$1" "$FAKE_SLURM/submitted/$id"
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\)%.*/\\1/p' "$1")
if [ -z "$last" ]; then echo PENDING > "$FAKE_SLURM/queue/$id"; else
    for i in $(seq 0 "$last"); do echo PENDING > "$FAKE_SLURM/queue/${id}_$i"; done
fi
echo "Submitted batch job $id"
""",
    'squeue': """
ids=${4#--jobs=}
[ "$*" = "--noheader --array --format=%i %T --jobs=$ids" ] || exit 2
for id in ${ids//,/ }; do
    for job in "$FAKE_SLURM"/queue/"$id" "$FAKE_SLURM"/queue/"${id}"_*; do
        if [ -e "$job" ]; then found=yes; echo "${job##*/} $(cat "$job")"; fi
    done
done
[ -n "$found" ] || { echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1; }
""",
    'srun': 'shift 3\nexec "$@"\n',
    'scontrol': '[ "$1" = requeue ] && echo PENDING > "$FAKE_SLURM/queue/$2"\n',
}


class FakeSlurm:
    """A queue in a folder, and the programs that know of it in front on the PATH.

    Args:
        folder: An empty one.
        monkeypatch: Of the test.
    """

    def __init__(self, folder: Path, monkeypatch) -> None:
        self.folder = folder
        for name in ('bin', 'queue', 'submitted'):
            (folder / name).mkdir(parents=True)
        for name, text in PROGRAMS.items():
            path = folder / 'bin' / name
            path.write_text(f'#!/bin/bash\n{text.lstrip()}')
            path.chmod(0o755)
        monkeypatch.setenv('PATH', f'{folder / "bin"}:{os.environ["PATH"]}')
        monkeypatch.setenv('FAKE_SLURM', str(folder))

    def queue(self) -> list[str]:
        """Ids of the jobs in it."""
        return sorted(path.name for path in (self.folder / 'queue').iterdir())

    def options(self, array: str) -> dict[str, str]:
        """What ``sbatch`` was told of a job or an array."""
        text = (self.folder / 'submitted' / array).read_text()
        return dict(re.findall(r'^#SBATCH --([\w-]+)=(.*)', text, re.M))

    def start(self, job: str) -> subprocess.Popen:
        """Start a job of the queue; what it prints is kept for ``communicate``."""
        (self.folder / 'queue' / job).unlink()
        array, _, number = job.partition('_')
        env = {**os.environ, 'SLURM_JOB_ID': job}
        if number:
            env |= {'SLURM_ARRAY_JOB_ID': array, 'SLURM_ARRAY_TASK_ID': number}
        return subprocess.Popen(
            ['bash', self.folder / 'submitted' / array],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self) -> list[int]:
        """Run all jobs of the queue at once to their ends; their exit codes."""
        jobs = [self.start(job) for job in self.queue()]
        for job in jobs:
            job.communicate(timeout=120)
        return [job.returncode for job in jobs]
