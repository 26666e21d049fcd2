#!/bin/bash -l
#PBS -N @name@
#PBS -A @project@
#PBS -q @queue@
#PBS -l select=@nodes@:@chunk@
#PBS -l place=scatter
#PBS -l walltime=@walltime@
#PBS -l filesystems=@filesystems@
#PBS -k doe
#PBS -j oe
#PBS -o @log@
# @directives@

# One job of a sweep: its ranks, until all RUNs are finished or the walltime is near.
# what the nodes need
# @prologue@
set -u
exp=@exp@
# the leader stops in order before the scheduler ends the job
UPF_HEDS_JOB_END=@end@
export UPF_HEDS_JOB_END
# relative paths of UPF and DFLTS are told from where the sweep was submitted
cd @folder@ || exit 4
# the leader's own word on how the sweep ended
code() { sed -n 's/^ *"exit": \([0-9]*\),*$/\1/p' "$exp/status.json" 2>/dev/null; }
# an earlier job of a chain may have ended it
case $(code) in 0 | 5) exit "$(code)" ;; esac
rm -f "$exp/status.json" "$exp/.engine/stop"
# agents follow the leader of this job alone, not one that has led before
epoch=1
for taken in "$exp"/.engine/epochs/*; do
  [ "${taken##*/}" -ge "$epoch" ] 2>/dev/null && epoch=$((${taken##*/} + 1))
done

@launch@ \
  @node@ @bin@ rank @how@ --exp "$exp" --epoch "$epoch" &
launcher=$!
# not every launcher passes a TERM on: the leader is told by a file, too
trap 'echo SIGTERM >"$exp/.engine/stop"; kill -TERM "$launcher" 2>/dev/null' TERM INT
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
