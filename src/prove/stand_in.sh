#!/stagefold/sh
# Stands in for a program that builds images, or that leaves this machine. What it cannot answer it writes down, and ends the script
# there; the script then runs again from its beginning, with an answer.
name=${0##*/}

leave_out() {
  # Whatever is piped into it is read, so that the program in front does not fail.
  if [ -p /dev/stdin ]; then cat >/dev/null; fi
  echo "stagefold: left out: $name $*" >&2
  exit 0
}

# Runs the program that it stands in for.
pass_on() {
  PATH=${PATH#/stagefold/bin:}
  export PATH
  program=$(command -v "$name") || program=
  case $program in
    '' | /stagefold/bin/*) echo "$name: not found" >&2; exit 127 ;;
    *) exec "$program" "$@" ;;
  esac
}

case $name in
  docker | podman | nerdctl | buildah | img | buildctl | buildctl-daemonless.sh | executor | docker-compose) ;;
  git)
    skip=
    for argument in "$@"; do
      case $skip$argument in
        -C | -c | --git-dir | --work-tree | --namespace) skip=x ;;
        x*) skip= ;;
        -*) ;;
        push) leave_out "$@" ;;
        *) break ;;
      esac
    done
    pass_on "$@"
    ;;
  curl | wget)
    for argument in "$@"; do
      case $argument in
        -[!-]*[dFTX]* | -d* | -F* | -T* | -X* | --json* | --data* | --form* | --upload-file* | --request* | --post-* | --body-* | --method*) leave_out ;;
      esac
    done
    pass_on "$@"
    ;;
  cargo | dotnet | gem | gradle | gradlew | mvn | npm | pnpm | poetry | twine | yarn)
    for argument in "$@"; do
      case $argument in deploy | publish | push | upload) leave_out "$@" ;; esac
    done
    pass_on "$@"
    ;;
  *) leave_out "$@" ;;
esac
case $name-$1 in
  docker-login | docker-logout | docker-push | docker-pull | docker-info | docker-version | docker-ps | docker-images | \
    podman-login | podman-logout | podman-push | podman-pull | podman-info | podman-version | podman-ps | podman-images | \
    nerdctl-login | nerdctl-push | buildah-login | buildah-push | img-login | img-push)
    # A password may be among the words.
    leave_out "$1"
    ;;
esac

if [ -p /dev/stdin ]; then cat >/dev/null; fi
count=0
[ ! -e /stagefold/count ] || read -r count </stagefold/count
count=$((count + 1))
echo "$count" >/stagefold/count
answer=/stagefold/answers/$count
if [ -d "$answer" ]; then
  read -r status <"$answer/status"
  if [ -d "$answer/files" ]; then cp -a "$answer/files/." /; fi
  if [ -e "$answer/output" ]; then cat "$answer/output"; fi
  exit "$status"
fi

mkdir /stagefold/call
for argument in "$name" "$@"; do printf '%s\0' "$argument"; done >/stagefold/call/arguments
pwd >/stagefold/call/folder
cat /proc/self/environ >/stagefold/call/environment
: >/stagefold/stopped
while [ ! -s /stagefold/process ]; do :; done
read -r script </stagefold/process
kill -9 "$script"
while :; do sleep 1; done
