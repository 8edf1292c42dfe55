#!/usr/bin/env bash
# Train with several processes, on GPUs or, where there are none, on the CPU:
#   tools/dist_train.sh CONFIG GPUS [arguments of train.py]
# Variables:
#   NNODES, NODE_RANK, MASTER_ADDR, PORT   several machines: run it on each; PORT is 29500 by default
#                                          there, on one machine it is a free one
#   MAX_RESTARTS   how often all processes are started again after one has failed, default 0; the
#                  training goes on from its last checkpoint
#   RDZV_ID        name of the training, the same on all machines, where MAX_RESTARTS is set
#   GRACE          seconds in which processes may save after a signal, default 600
# Exit code: 0 done, 2 wrong usage, 75 told to stop by SIGTERM, SIGUSR1 or SIGHUP (a closed terminal)
# and saved (the same command with --resume goes on), 130 the same after Ctrl-C, else 1.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG GPUS [arguments of train.py]" >&2
    exit 2
fi
CONFIG=$1
GPUS=$2
NNODES=${NNODES:-1}
MAX_RESTARTS=${MAX_RESTARTS:-0}
TOOLS=$(cd "$(dirname "$0")" && pwd)

check() { # NAME VALUE LEAST
    if ! [[ $2 =~ ^[0-9]{1,5}$ ]] || [ "$2" -lt "$3" ]; then
        echo "error: $1 must be a whole number from $3, got '$2'" >&2
        exit 2
    fi
}
check GPUS "$GPUS" 1
check NNODES "$NNODES" 1
check NODE_RANK "${NODE_RANK:-0}" 0
check MAX_RESTARTS "$MAX_RESTARTS" 0
check PORT "${PORT:-1}" 1

if [ "$NNODES" -eq 1 ] && [ -z "${PORT:-}" ]; then
    # On a free port; by number, for a machine may not know its own name.
    rendezvous=(--rdzv-backend=c10d --rdzv-endpoint=localhost:0 --rdzv-id="$$" --local-addr=127.0.0.1)
elif [ "$NNODES" -gt 1 ] && [ "$MAX_RESTARTS" -gt 0 ]; then
    # Machines learn of each other's failures, and find their ranks themselves.
    rendezvous=(--rdzv-backend=c10d --rdzv-id="${RDZV_ID:-${SLURM_JOB_ID:-mmfncontra}}"
        --rdzv-endpoint="${MASTER_ADDR:-127.0.0.1}:${PORT:-29500}")
else
    rendezvous=(--node-rank="${NODE_RANK:-0}" --master-addr="${MASTER_ADDR:-127.0.0.1}"
        --master-port="${PORT:-29500}")
fi

export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
export MKL_NUM_THREADS=${MKL_NUM_THREADS:-1}
export PYTHONPATH=${TOOLS%/*}${PYTHONPATH:+:$PYTHONPATH}

# The launcher takes this shell's place, and with it its signals.
exec "${PYTHON:-python3}" -m mmfncontra.launch.elastic_launch \
    --nnodes="$NNODES" \
    --nproc-per-node="$GPUS" \
    --max-restarts="$MAX_RESTARTS" \
    "${rendezvous[@]}" \
    "$TOOLS/train.py" "$CONFIG" --launcher pytorch "${@:3}"
