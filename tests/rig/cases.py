"""The pipelines that the proofs run: where they are, what they ask for, and how they become repositories."""

import shutil
import tomllib
from dataclasses import dataclass, field

import proof

MISSION = ("cache", "artifacts", "two-dockerfiles")
APPLICATION = "application"
DESCRIPTION = "case.toml"


@dataclass
class Case:
    """What one `case.toml` asks for."""

    name: str
    jobs: list
    arguments: list = field(default_factory=list)
    images: list = field(default_factory=lambda: ["latest"])
    variables: dict = field(default_factory=dict)
    branches: dict = field(default_factory=dict)
    artifacts: dict = field(default_factory=dict)
    holds: dict = field(default_factory=dict)
    edited: list = field(default_factory=list)
    options: list = field(default_factory=list)
    secret: str = ""
    requires: str = ""


def of_folds():
    """Every case of `folds`, by its folder."""
    for folder in sorted((proof.HERE / "folds").iterdir()):
        if folder.name != APPLICATION:
            with open(folder / DESCRIPTION, "rb") as file:
                yield Case(folder.name, **tomllib.load(file))


def lay_out(pipeline, repository, application=None):
    """A git repository of a pipeline, laid over an application: the one beside it unless another is named."""
    folder = proof.HERE / pipeline
    shutil.copytree(proof.HERE / application if application else folder.parent / APPLICATION, repository)
    shutil.copytree(folder, repository, dirs_exist_ok=True, ignore=shutil.ignore_patterns(DESCRIPTION))
    proof.begin(repository)
