#!/usr/bin/env bash
# Train on a Slurm cluster:
#   tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [arguments of train.py]
# Variables: GPUS, GPUS_PER_NODE, CPUS_PER_TASK, SRUN_ARGS, and PORT where jobs share a machine.
#
# In a batch job, a training that is told to stop (SIGTERM, SIGUSR1, SIGHUP) saves, goes back into the queue
# and resumes when the job starts again:
#   #SBATCH --signal=USR1@120 --requeue --open-mode=append
#   tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR
# Exit code: 0 done, 2 wrong usage, 75 told to stop and saved, 130 the same after Ctrl-C, else srun's.
set -euo pipefail

if [ $# -lt 4 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG WORK_DIR [arguments of train.py]" >&2
    exit 2
fi
PARTITION=$1
JOB_NAME=$2
CONFIG=$3
WORK_DIR=$4
GPUS=${GPUS:-8}
GPUS_PER_NODE=${GPUS_PER_NODE:-8}
CPUS_PER_TASK=${CPUS_PER_TASK:-5}
PREEMPTED=75

resume=()
if [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ]; then
    # Slurm has started this job before.
    resume=(--resume auto)
fi
if [ -n "${PORT:-}" ]; then
    export MASTER_PORT=$PORT
fi

# In the background, so that this shell hears signals while it waits; srun hands on those it gets.
# Tasks leave by themselves when they have saved: the first one is not to end the others.
# SRUN_ARGS holds several words.
# shellcheck disable=SC2086
srun --partition="$PARTITION" \
    --job-name="$JOB_NAME" \
    --gres="gpu:$GPUS_PER_NODE" \
    --ntasks="$GPUS" \
    --ntasks-per-node="$GPUS_PER_NODE" \
    --cpus-per-task="$CPUS_PER_TASK" \
    --kill-on-bad-exit=0 \
    --wait=300 \
    ${SRUN_ARGS:-} \
    "${PYTHON:-python3}" -u "$(dirname "$0")/train.py" "$CONFIG" --work-dir "$WORK_DIR" --launcher slurm \
    "${@:5}" ${resume[@]+"${resume[@]}"} &
child=$!
interrupted=
told=
pass_on() {
    told=yes
    kill -"$1" "$child" 2>/dev/null || true
}
trap 'pass_on TERM' TERM HUP
trap 'pass_on USR1' USR1
# A process in the background may not hear of Ctrl-C.
trap 'interrupted=yes; pass_on TERM' INT

while :; do
    told=
    code=0
    wait "$child" || code=$?
    # A signal ends the waiting, not what is waited for.
    [ -n "$told" ] || break
done

again="run the same command with --resume"
if [ "$code" -eq "$PREEMPTED" ] && [ -n "$interrupted" ]; then
    echo "interrupted and saved: to go on, $again" >&2
    exit 130
fi
if [ "$code" -eq "$PREEMPTED" ]; then
    if [ -z "${SLURM_JOB_ID:-}" ]; then
        echo "stopped and saved: to go on, $again (in a batch job it goes on by itself)" >&2
    elif scontrol requeue "$SLURM_JOB_ID"; then
        echo "stopped and saved: job $SLURM_JOB_ID is in the queue again" >&2
    else
        echo "stopped and saved, but job $SLURM_JOB_ID cannot be queued again: submit it with" \
            "'#SBATCH --requeue', or $again" >&2
    fi
fi
exit "$code"
