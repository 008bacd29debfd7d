"""What the proofs of the rig share: repositories, folds, pipelines, images, and the tally."""

import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
CANNOT_RUN_HERE = 77
DIFFERENCES_SHOWN = 20
# What stands in for an image that is not on this machine.
STAND_IN = "busybox:latest"
# Comments, global arguments and the first FROM: nothing else begins so.
DOCKERFILE = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s*#[^\n]*\n|\s*ARG\s[^\n]*\n)*\s*FROM\s", re.IGNORECASE)
SYNTAX = re.compile(rb"^[ \t]*#[ \t]*syntax[ \t]*=.*\n", re.IGNORECASE | re.MULTILINE)
# How BuildKit tells that it cannot have an image, and that no default names one.
MISSING_IMAGE = re.compile(r"failed to resolve source metadata for (\S+): ")
UNKNOWN_BASE = re.compile(r"base name \(\$\{?(\w+).*\) should not be blank")


class Failure(Exception):
    """Something that the proof requires and that is not so."""


def run(*command, where=None, environment=None, given=b"", failing=(0,), seconds=None):
    """Runs a command on the bytes that are given, for so many seconds at most; its output, with its status when several are expected."""
    command = [str(word) for word in command]
    settings = {**os.environ, **(environment or {})}
    try:
        done = subprocess.run(command, cwd=where, env=settings, input=given, capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{' '.join(command)}\n{error.stderr or ''}has not ended after {seconds} s") from error
    done.stdout, done.stderr = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
    if done.returncode not in failing:
        raise Failure(f"{' '.join(command)}\n{done.stdout}{done.stderr}exit status {done.returncode}")
    return done


def commit(repository, message):
    """Commits the whole work tree."""
    run("git", "add", "--all", where=repository)
    run("git", "-c", "user.name=rig", "-c", "user.email=rig@example.invalid", "commit", "--quiet", "-m", message, where=repository)


def begin(repository):
    """Makes a git repository of a folder."""
    run("git", "init", "--quiet", "--initial-branch=main", where=repository)
    commit(repository, "Build and containerize")


def fold(stagefold, before, after, arguments=()):
    """A copy of the repository, folded and committed."""
    run("git", "clone", "--quiet", before, after)
    told = verdict(run(stagefold, "apply", "--format", "json", *arguments, after))
    if told["verdict"] != "folded":
        raise Failure(f"the verdict is {told['verdict']}, not folded\n{json.dumps(told['findings'], indent=2)}")
    if not run("git", "status", "--porcelain", where=after).stdout:
        raise Failure("the verdict is folded, and no file has changed")
    commit(after, "Fold")


def verdict(done):
    """What the program's report says of its one repository."""
    try:
        [told] = json.loads(done.stdout)["repositories"]
    except (ValueError, KeyError) as error:
        raise Failure(f"the report cannot be read ({error})\n{done.stdout}{done.stderr}") from error
    return told


def pipeline(repository, tag, *options, **settings):
    """Runs the repository's pipeline; each setting is a variable of `run-pipeline`, in lower case and without RIG_.

    What it printed is the output of the run.
    """
    environment = {f"RIG_{name.upper()}": str(value) for name, value in settings.items()}
    return run(HERE / "run-pipeline", repository, tag, *options, environment=environment)


def image_of(tag, version="latest"):
    """The name of an image that a pipeline pushed."""
    return f"{os.environ['RIG_REGISTRY']}/{tag}:{version}"


def has_image(name):
    """Whether the rig has a base image."""
    return run("docker", "image", "inspect", name, failing=(0, 1)).returncode == 0


def compared(before, after):
    """The differences between two images, one a line, and the closing line."""
    done = run(HERE / "compare", before, after, failing=(0, 1))
    *differences, summary = done.stdout.splitlines()
    if (done.returncode == 1) != bool(differences):
        raise Failure(f"the comparison contradicts itself\n{done.stdout}")
    return differences, summary


def require_same(original, folded):
    """Requires that nothing differs; the closing line."""
    differences, summary = compared(original, folded)
    if differences:
        raise Failure("\n".join([summary, *differences[:DIFFERENCES_SHOWN]]))
    return summary


def dockerfiles(repository):
    """Every Dockerfile of the repository, whatever its folder and its name: a text that begins as one does."""
    for path in sorted(repository.rglob("*")):
        if ".git" not in path.parts and path.is_file() and DOCKERFILE.match(path.read_bytes()):
            yield path


@functools.cache
def checked(text):
    """What `docker build --check` says of a Dockerfile: its warnings, how many of each, and why it cannot be read, or nothing.

    BuildKit looks at every stage, whichever a build would make. It asks for the images, too: each that is not here, and each whose
    name only the build would tell, is busybox to it. A `# syntax=` line goes first: that frontend cannot be had here.
    """
    given = []
    while True:
        command = ("docker", "build", "--call=check,format=json", *given, "-")
        said = json.loads(run(*command, given=SYNTAX.sub(b"", text, count=1), failing=(0, 1)).stdout)
        error = said.get("buildError", {}).get("message", "")
        if missing := MISSING_IMAGE.search(error):
            wanted = ("--build-context", f"{missing[1]}=docker-image://{STAND_IN}")
        elif unknown := UNKNOWN_BASE.search(error):
            wanted = ("--build-arg", f"{unknown[1]}={STAND_IN}")
        else:
            wanted = None
        if not wanted or wanted[1] in given:
            found = Counter((warning["ruleName"], warning.get("detail", "")) for warning in said["warnings"] or ())
            return found, error
        given += wanted


def warnings(repository):
    """What `docker build --check` warns of in all Dockerfiles of the repository."""
    found = Counter()
    for dockerfile in dockerfiles(repository):
        warned, error = checked(dockerfile.read_bytes())
        if error:
            raise Failure(f"docker build --check cannot read {dockerfile.relative_to(repository)}: {error}")
        found += warned
    return found


def require_no_new_warning(before, after):
    """Requires that `docker build --check` reads every Dockerfile and finds nothing that it did not find before the fold."""
    if new := warnings(after) - warnings(before):
        raise Failure(f"docker build --check warns only after the fold: {sorted(new)}")


def prove_spoiled(spoiling, touched, original, folded, repository, tag, **settings):
    """Spoils the Dockerfile of a copy of the folded repository and requires that the comparison sees exactly that; the closing line."""
    run("git", "clone", "--quiet", folded, repository)
    dockerfile = repository / "Dockerfile"
    text = dockerfile.read_text()
    if spoiling(text) == text:
        raise Failure("the spoiling leaves the Dockerfile as it is")
    dockerfile.write_text(spoiling(text))
    commit(repository, "Spoil")
    pipeline(repository, tag, warm=1, **settings)
    differences, summary = compared(original, image_of(tag))
    seen = {line.split()[1] for line in differences}
    if seen != touched:
        raise Failure(f"the comparison sees {sorted(seen)}, not {sorted(touched)}")
    return f"caught, {summary}"


class Tally:
    """Counts what holds and what does not, one line each."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.started = time.monotonic()

    def attempt(self, name, proof):
        """Runs one proof; what it returns, or nothing when it does not hold. A proof's first word is its line."""
        started = time.monotonic()
        try:
            line, *rest = proof()
        except (Failure, OSError, ValueError, KeyError) as failure:
            self.failed += 1
            print(f"FAILED {name} ({time.monotonic() - started:.0f} s): {failure}", flush=True)
            return None
        self.passed += 1
        print(f"ok {name}: {line} ({time.monotonic() - started:.0f} s)", flush=True)
        return rest

    def skip(self, name, reason):
        """Says aloud that one proof cannot be had here."""
        self.skipped += 1
        print(f"\n**** SKIPPED {name}: {reason} ****\n", flush=True)

    def close(self):
        """Says how many hold, and how long all of them took; the exit status."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        print(f"{self.passed} passed, {self.failed} failed{skipped} in {time.monotonic() - self.started:.0f} s")
        return 1 if self.failed else 0


def rig_is_up(name):
    """Whether a rig is up; says aloud that the program cannot run where there is none."""
    up = "RIG" in os.environ and "RIG_REGISTRY" in os.environ
    if not up:
        print(f"\n**** {name.upper()} CANNOT RUN HERE: no rig is up; run tests/rig/up DIR and source DIR/env ****\n", file=sys.stderr)
    return up


def main(name, prove_all):
    """Runs `prove_all(stagefold, work)` where a rig is up; the exit status."""
    stagefold = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parents[1] / "target/release/stagefold").resolve()
    if not rig_is_up(name):
        return CANNOT_RUN_HERE
    if not os.access(stagefold, os.X_OK):
        print(f"{name}: {stagefold} is not a program", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(dir=os.environ["RIG"], prefix=f"{name}.") as work:
        return prove_all(stagefold, Path(work))
