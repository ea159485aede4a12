#!/bin/bash
# A corpus read by several nodes of a Slurm cluster: sbatch deploy/slurm.sh FOLDER-OR-ADDRESS CORPUS
#
# Every node needs the same environment with mien[ray] (Ray 2.49 or newer) active when the job is submitted, and
# must see both places: on a file system that the nodes share, or as addresses such as s3://bucket/interviews.
# After whatever has happened, submit it again: only what is missing is read.

#SBATCH --job-name=mien-corpus
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --mem-per-cpu=2G
#SBATCH --time=12:00:00
# Ray takes a node for itself, and stops all that it finds of Ray there when it ends.
#SBATCH --exclusive
# A node that dies is missed, and doesn't end the job.
#SBATCH --no-kill
#SBATCH --requeue

set -euo pipefail
inputs=${1:?the folder or address of the interviews}
corpus=${2:?the folder or address for the tables}

# Not by head, which ends at once: where scontrol is still writing then, that ends the job.
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed --quiet 1p)
# Nodes start when their file systems are ready; Ray's own 30 seconds are few for many at once.
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=600

# The head's node runs the command; all nodes, with the head's, do the reading.
srun --no-kill --kill-on-bad-exit=0 --ntasks="$SLURM_NNODES" --cpus-per-task="$SLURM_CPUS_PER_TASK" \
    ray symmetric-run --address "$head:6379" --min-nodes "$SLURM_NNODES" --num-cpus="$SLURM_CPUS_PER_TASK" -- \
    mien corpus analyze "$inputs" --out "$corpus" --engine ray --address auto \
    --workers "$((SLURM_NNODES * SLURM_CPUS_PER_TASK))"
