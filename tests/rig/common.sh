# What the programs of the rig share. Sourced, never run.

# The status that says "this machine cannot run the rig", as opposed to "the rig ran and something is wrong".
readonly CANNOT_RUN_HERE=77

# cannot_run REASON: says aloud why this machine cannot run the rig, and ends.
cannot_run() {
  printf '\n**** THE RIG CANNOT RUN HERE: %s ****\n\n' "$1" >&2
  exit "$CANNOT_RUN_HERE"
}

# fail MESSAGE: says what went wrong, and ends.
fail() {
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  exit 1
}

# engine_processes: the process id of every Docker Engine on this machine, one a line.
engine_processes() {
  local comm
  for comm in /proc/[0-9]*/comm; do
    if [ "$(cat "$comm" 2>/dev/null)" = dockerd ]; then
      comm=${comm%/comm}
      echo "${comm#/proc/}"
    fi
  done
}

# rig_of_process PID: the folder of the rig that started this engine; nothing when another program started it.
rig_of_process() {
  local file
  file=$(tr '\0' '\n' <"/proc/$1/cmdline" | grep -A1 -x -e '--config-file' | tail -n1)
  if [ "$(basename "$file")" = daemon.json ] && [ -e "$(dirname "$file")/env" ]; then dirname "$file"; fi
}
