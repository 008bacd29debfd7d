"""Which lines of prove-command are run unless they are named, and why the others are not."""

import fnmatch

LATER_JOBS = "what it adds to the others are jobs that build no image, and these are not run"
ONE_END = "the moment is asked for with one way to end the command, another with another"
# The cases of `folds` that docker is not asked about, each with the one that is built and handed on in the same way.
LIKE = {
    "argument-in-copy": "several-stages",
    "copied-out-for-platforms": "platforms",
    "first-image-kept": "image-copied-from",
    "go": "build-argument",
    "ignore-file": "wider-context",
    "ignored-sources": "wider-context",
    "left-out": "glob",
    "make": "archive",
    "moved": "copied-out",
    "npm-cache-by-buildx": "mission-cache",
    "shell": "legacy-builder",
    "subfolder": "build-user",
    "subfolder-legacy-builder": "legacy-builder",
    "tracked-files": "owners",
    "two-caches": "mission-cache",
    "two-contexts": "image-copied-from",
    "two-producers": "chain",
    "wider-context-by-cd": "wider-context",
}
# The first pattern that fits a line tells why it is not run; it is run where that is nothing, or where no pattern fits.
RULES = {
    **{f"docker/{case}": f"docker/{other} is built and handed on in the same way" for case, other in LIKE.items()},
    **dict.fromkeys((f"docker/{case}" for case in ("check-job", "needs-follow-the-image", "reader-keeps-the-build", "template")), LATER_JOBS),
    **dict.fromkeys(
        (
            "buildah/mission-*", "buildah/archive", "buildah/buildah", "buildah/chain", "buildah/glob", "buildah/image-copied-from",
            "buildah/secret-file", "buildah/several-images",
        ),
        "",
    ),
    **dict.fromkeys(
        ("buildah/build-user", "buildah/subfolder"),
        "the build is not root, and npm's cache, which all containers of this engine share here, belongs to root",
    ),
    "buildah/go": "its base image is too large to be on this machine twice",
    "buildah/*": "docker is asked, and nothing in its Dockerfile is new to this engine",
    "podman/mission-artifacts": "",
    "podman/*": "podman builds as buildah does, and one pipeline tells that it can be used",
    "spoiled/buildah/missing-copy": "",
    "spoiled/buildah/lost-environment": "",
    "spoiled/buildah/*": "docker is asked, and the comparison is the same",
    "failing/buildah/step": "",
    "failing/buildah/*": "docker is asked, and what tells of a failure is the same",
    **dict.fromkeys(
        (
            "ctrl-c/docker/start/INT", "ctrl-c/docker/job/INT-to-the-group", "ctrl-c/docker/old-image/TERM", "ctrl-c/docker/new-image/INT",
            "ctrl-c/docker/comparison/INT-to-the-group", "ctrl-c/legacy-builder/old-image/INT-to-the-group",
            "ctrl-c/legacy-builder/new-image/TERM", "ctrl-c/buildah/job/TERM", "ctrl-c/buildah/old-image/INT-to-the-group",
        ),
        "",
    ),
    "ctrl-c/docker/*": ONE_END,
    "ctrl-c/legacy-builder/*": ONE_END,
    "ctrl-c/buildah/job/*": ONE_END,
    "ctrl-c/buildah/old-image/*": ONE_END,
    "ctrl-c/buildah/*": "docker is asked, and what is done at this moment is the same or is seen at another one",
}  # fmt: skip


# Asks for what is left out as well.
ALL = "--all"


def why_left_out(name):
    """Why a line is not run unless it is named; nothing where it is."""
    return next((reason for pattern, reason in RULES.items() if fnmatch.fnmatchcase(name, pattern)), "")


def begins(name, word):
    """Whether a word is the name of a line, or its beginning up to a `/`."""
    return f"{name}/".startswith(f"{word}/")


def is_asked(name, words):
    """Whether a line is run when these words are given. What is left out has to be named in full."""
    names = [word for word in words if word != ALL]
    if names and not any(begins(name, word) for word in names):
        return False
    return name in names or ALL in words or not why_left_out(name)


def without_meaning(names, words):
    """The patterns of the table and the words that fit none of the lines."""
    patterns = [pattern for pattern in RULES if not fnmatch.filter(names, pattern)]
    return patterns + [word for word in words if word != ALL and not any(begins(name, word) for name in names)]
