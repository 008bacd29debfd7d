"""Requires that what is done leaves an engine and a folder as they were."""

import contextlib
import fcntl
import os
import re
import time
from pathlib import Path

from proof import Failure, run

# Set where nobody else works with the engine: then all that it keeps counts, and at once.
ALONE = bool(os.environ.get("RIG_ALONE"))
# Otherwise, what somebody else makes for a while has so long to go.
SECONDS_TO_GO = 120
# How each engine tells everything that it keeps, also what has no name. Docker's images are told by containerd, which stores them:
# `docker image ls` weighs each one, and takes seconds for some hundreds.
LISTINGS = {
    "docker": {
        "container": "docker container ls --all --no-trunc --format {{.ID}}|{{.Names}}|{{.Image}}",
        "image": "$RIG/engine/usr/bin/ctr --address $RIG/run/containerd/containerd.sock --namespace moby images ls",
        "volume": "docker volume ls --format {{.Name}}",
        "network": "docker network ls --no-trunc --format {{.ID}}|{{.Name}}",
    },
    "buildah": {
        "container": "buildah containers --all --notruncate --noheading",
        "image": "buildah images --all --no-trunc --format {{.ID}}|{{.Name}}:{{.Tag}}",
    },
    "podman": {
        "container": "podman container ls --all --external --no-trunc --format {{.ID}}|{{.Names}}|{{.Image}}",
        "image": "podman image ls --all --no-trunc --format {{.ID}}|{{.Repository}}:{{.Tag}}",
        "volume": "podman volume ls --format {{.Name}}",
        "network": "podman network ls --no-trunc --format {{.ID}}|{{.Name}}",
    },
}
# How the command names what it makes: its process stands in the name.
MARK = re.compile(r"stagefold-prove[-/](\d+)-")
# A listing fails where somebody else removes what it is about to tell.
TIMES_TO_LIST = 5
NAMELESS = re.compile(r"moby-dangling@|<none>")


def running():
    """The ids of all processes of the machine, as words."""
    return {folder.name for folder in Path("/proc").glob("[0-9]*")}


def told_by(listing):
    """What the command of a listing prints."""
    words = [os.path.expandvars(word) for word in listing.split()]
    for _ in range(0 if ALONE else TIMES_TO_LIST - 1):
        done = run(*words, failing=range(256))
        if done.returncode == 0:
            return done.stdout
    return run(*words).stdout


def kept(engine):
    """Everything that an engine keeps; a set of lines."""
    listings = LISTINGS[engine].items()
    return {f"{kind}: {' '.join(line.split())}" for kind, listing in listings for line in told_by(listing).splitlines()}


def can_be_of_others(line, others):
    """Whether it is what one of these processes made, if it is another run of the command."""
    mark = MARK.search(line)
    return mark and mark[1] in others


def is_missed(line):
    """Whether something that is gone can be told from what others had for a while: an image with a name of its own."""
    return line.startswith("image: ") and not NAMELESS.search(line) and not MARK.search(line)


def differences(before, after, others):
    """What an engine keeps that it did not, and the other way round, a line each."""
    more, less = after - before, before - after
    if not ALONE:
        more = {line for line in more if not can_be_of_others(line, others)}
        less = filter(is_missed, less)
    return [f"+ {line}" for line in sorted(more)] + [f"- {line}" for line in sorted(less)]


@contextlib.contextmanager
def alone(engine):
    """Holds off the pipelines that others run by the engine meanwhile. All that need no daemon share their storage."""
    folder = Path(os.environ["RIG"])
    with open(folder / "lock" if engine == "docker" else folder / "containers/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def nothing_left(temporary, engine):
    """Requires that what is done inside leaves the engine and the temporary folder as they were.

    What is put into the list that it gives may stay: names that occur in these texts.
    """
    temporary.mkdir(parents=True)
    others, before = running(), kept(engine)
    named = []
    yield named
    last_moment = time.monotonic() + (0 if ALONE else SECONDS_TO_GO)
    while (left := differences(before, kept(engine), others | running())) and time.monotonic() < last_moment:
        time.sleep(1)
    left += [f"+ {path}" for path in temporary.iterdir() if not any(str(path) in text for text in named)]
    if left:
        told = "it does not leave everything as it was" + ("" if ALONE else ", unless somebody else works with the engine")
        raise Failure("\n".join([f"{told}:", *left, *named]))
