#!/bin/bash
# Trains on 4 nodes with 2 ranks each. Submit it with sbatch slurm.sh; docs/launch.md explains each line.
#SBATCH --job-name=imagenet
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@300
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log

srun --kill-on-bad-exit=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" \
	bin/train --data /shared/imagenet --recipe torchvision --out /shared/runs/imagenet --resume auto --progress plain
code=$?

# 130: interrupted, with a checkpoint from which the next start continues.
if [ "$code" -eq 130 ]; then
	scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
