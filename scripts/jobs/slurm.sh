#!/bin/bash -l
#SBATCH --job-name=@name@
#SBATCH --account=@project@
#SBATCH --partition=@queue@
#SBATCH --nodes=@nodes@
#SBATCH --ntasks=@processes@
#SBATCH --ntasks-per-node=@ppn@
#SBATCH --cpus-per-task=@cores@
#SBATCH --time=@walltime@
#SBATCH --no-kill
#SBATCH --signal=B:TERM@60
#SBATCH --output=@log@
# @directives@

# One job of a sweep: its ranks, until all RUNs are finished or the walltime is near.
# what the nodes need
# @prologue@
set -u
exp=@exp@
# relative paths of UPF and DFLTS are told from where the sweep was submitted
cd @folder@ || exit 4
# the leader's own word on how the sweep ended
code() { sed -n 's/^ *"exit": \([0-9]*\),*$/\1/p' "$exp/status.json" 2>/dev/null; }
# an earlier job of a chain may have ended it
case $(code) in 0 | 5) exit "$(code)" ;; esac
rm -f "$exp/status.json" "$exp/.engine/stop" "$exp/.engine/requeue"
# agents follow the leader of this job alone, not one that has led before
epoch=1
for taken in "$exp"/.engine/epochs/*; do
  [ "${taken##*/}" -ge "$epoch" ] 2>/dev/null && epoch=$((${taken##*/} + 1))
done

@launch@ \
  @node@ @bin@ rank @how@ --requeue --exp "$exp" --epoch "$epoch" &
launcher=$!
# srun passes no TERM on: its ranks are told by scancel, which signals the steps of a job, the leader by a file, too
trap 'echo SIGTERM >"$exp/.engine/stop"; scancel --signal=TERM "$SLURM_JOB_ID"' TERM INT
# a node that is lost may hold the launcher for ever: when the leader has left its word, the others have a minute
left=60
while kill -0 "$launcher" 2>/dev/null && [ "$left" -gt 0 ]; do
  [ -e "$exp/status.json" ] && left=$((left - 1))
  sleep 1
done
kill -KILL "$launcher" 2>/dev/null

# without a word the sweep was cut short
code=$(code)
exit "${code:-6}"
