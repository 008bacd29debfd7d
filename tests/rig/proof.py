"""What the proofs of the rig share: repositories, folds, pipelines, images, and the tally."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CANNOT_RUN_HERE = 77
DIFFERENCES_SHOWN = 20


class Failure(Exception):
    """Something that the proof requires and that is not so."""


def run(*command, where=None, environment=None, failing=(0,)):
    """Runs a command; its output, with its status when several are expected."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=where,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode not in failing:
        raise Failure(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}exit status {done.returncode}")
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


def pipeline(repository, tag, **settings):
    """Runs the repository's pipeline; each setting is a variable of `run-pipeline`, in lower case and without RIG_."""
    run(HERE / "run-pipeline", repository, tag, environment={f"RIG_{name.upper()}": str(value) for name, value in settings.items()})


def image_of(tag, version="latest"):
    """The name of an image that a pipeline pushed."""
    return f"{os.environ['RIG_REGISTRY']}/{tag}:{version}"


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


def warnings(repository):
    """What `docker build --check` says of every Dockerfile of the repository."""
    found = set()
    for dockerfile in sorted(repository.glob("Dockerfile*")):
        said = run("docker", "build", "--call=check,format=json", "--file", dockerfile, repository, failing=(0, 1)).stdout
        for warning in json.loads(said)["warnings"] or ():
            found.add((warning["ruleName"], warning.get("detail", "")))
    return found


def require_no_new_warning(before, after):
    """Requires that `docker build --check` finds nothing that it did not find before the fold."""
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
        self.passed = self.failed = 0

    def attempt(self, name, proof):
        """Runs one proof; what it returns, or nothing when it does not hold. A proof's first word is its line."""
        started = time.monotonic()
        try:
            line, *rest = proof()
        except (Failure, OSError, ValueError, KeyError) as failure:
            self.failed += 1
            print(f"FAILED {name}: {failure}", flush=True)
            return None
        self.passed += 1
        print(f"ok {name}: {line} ({time.monotonic() - started:.0f} s)", flush=True)
        return rest

    def close(self):
        """Says how many hold; the exit status."""
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0


def main(name, prove_all):
    """Runs `prove_all(stagefold, work)` where a rig is up; the exit status."""
    stagefold = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parents[1] / "target/release/stagefold").resolve()
    if "RIG" not in os.environ or "RIG_REGISTRY" not in os.environ:
        print(f"\n**** {name.upper()} CANNOT RUN HERE: no rig is up; run tests/rig/up DIR and source DIR/env ****\n", file=sys.stderr)
        return CANNOT_RUN_HERE
    if not os.access(stagefold, os.X_OK):
        print(f"{name}: {stagefold} is not a program", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(dir=os.environ["RIG"], prefix=f"{name}.") as work:
        return prove_all(stagefold, Path(work))
