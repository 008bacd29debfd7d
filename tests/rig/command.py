"""Runs `stagefold prove` where nothing that it leaves behind goes unseen, and reads what it tells."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from leftovers import alone, nothing_left
from proof import Failure, run

SECONDS_TO_PROVE = 300
STATUSES = {"same": 0, "same-but-for": 0, "different": 1, "cannot-build-before": 3}


@dataclass
class Told:
    """What one run of the command told."""

    status: int
    report: dict
    output: str

    @property
    def images(self):
        """The images that it built; none where nothing folds, for then it tells what the fold comes to."""
        return self.report.get("images", [])

    def differences(self):
        """What differs in all images: the file or the key of the configuration, with one aspect, and why it does not count, if so."""
        told = [difference for image in self.images for difference in image["differences"]]
        return {(difference["name"], aspect): difference["reason"] for difference in told for aspect in aspects(difference)}

    def require(self, verdict):
        """Requires the verdict, and the exit status that goes with it."""
        if (self.status, self.report["verdict"]) != (STATUSES[verdict], verdict):
            raise Failure(f"{self.report['verdict']} with exit status {self.status}, not {verdict}\n{self.output}")


def aspects(difference):
    """In what a part differs: `missing`, `extra`, or the aspects that are not the same."""
    change = difference["change"]
    return [aspect["name"] for aspect in difference["aspects"]] if change == "changed" else [change]


def is_installed(engine):
    """Whether the rig has the engine on this machine."""
    return (Path(os.environ["RIG"]) / "bin" / engine).exists()


def words(stagefold, repository, options, engine):
    """The command line."""
    return [stagefold, "prove", "--engine", engine, "--format", "json", *options, repository]


def told_by(stagefold, repository, options, engine, temporary):
    """Runs the command to its end; what it told."""
    done = run(
        *words(stagefold, repository, options, engine),
        environment={"TMPDIR": str(temporary)},
        failing=range(256),
        seconds=SECONDS_TO_PROVE,
    )
    output = f"{done.stdout}{done.stderr}exit status {done.returncode}"
    try:
        return Told(done.returncode, json.loads(done.stdout), output)
    except ValueError as error:
        raise Failure(f"the report cannot be read ({error})\n{output}") from error


def proven(stagefold, repository, *options, engine="docker"):
    """Runs the command where it may leave nothing behind, but for the log of a build that fails; what it told."""
    temporary = temporary_of(repository, engine)
    with alone(engine), nothing_left(temporary, engine) as named:
        told = told_by(stagefold, repository, options, engine, temporary)
        if any(image["failure"] for image in told.images):
            named.append(told.output)
    return told


def temporary_of(repository, engine):
    """The folder in which a run on the repository keeps what it needs for a while."""
    return repository.with_name(f"{repository.name}-{engine}")
