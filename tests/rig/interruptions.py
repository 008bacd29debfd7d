"""Ends `stagefold prove` in the middle, and requires that it ends soon, with the status of its signal, and leaves nothing behind."""

import contextlib
import itertools
import os
import signal
import subprocess
import time
from pathlib import Path

import command
from leftovers import alone, nothing_left
from proof import Failure

SECONDS_TO_BEGIN = 120
SECONDS_TO_END = 30
# After the command has ended, an engine may need a moment until the process of a step that it gave up is gone.
SECONDS_TO_VANISH = 5
# No two sleeps take equally long, so that each can be told from all others on the machine.
NAPS = itertools.count(86400)


def sends(number):
    """Sends the signal to the command alone."""
    return lambda process: process.send_signal(number)


def sends_to_group(number):
    """Sends the signal to the command and to what it has started, as a terminal does."""
    return lambda process: os.killpg(process.pid, number)


# The exit status of each is 128 and the number of the signal.
ENDS = {
    "INT": (sends(signal.SIGINT), 130),
    "INT to the group": (sends_to_group(signal.SIGINT), 130),
    "TERM": (sends(signal.SIGTERM), 143),
}


def processes():
    """Every process of the machine that goes on, by its id: its session and its words."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if state != "Z":
                found[int(folder.name)] = int(session), (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    return found


def sleeps(nap):
    """Whether a process of the machine takes this nap."""
    return any(words == ["sleep", str(nap)] for _, words in processes().values())


def takes(nap):
    """The moment at which a step of a job or of a build takes this nap."""
    return lambda process: sleeps(nap)


def has_begun(process):
    """The moment at which the command has started another program for the first time."""
    return any(session == process.pid for number, (session, _) in processes().items() if number != process.pid)


def reads_images(process):
    """The moment at which all files of an image are being packed: by docker, or by tar out of a folder of buildah's."""
    started = [words for session, words in processes().values() if session == process.pid]
    return any(words[1:2] == ["export"] or (words[:1] == ["tar"] and words[-1] == ".") for words in started)


def wait_until(condition, seconds, process=None):
    """Whether the condition comes true in time, and before the process ends."""
    last_moment = time.monotonic() + seconds
    while time.monotonic() < last_moment and (process is None or process.poll() is None):
        if condition():
            return True
        time.sleep(0.02)
    return False


def interrupt(stagefold, repository, moment, end, options=(), engine="docker", nap=None):
    """Runs the command, ends it at the moment, and requires that nothing is left; the closing line.

    The moment is a condition on the process; a nap is what a step of the build takes that may not go on.
    """
    send, status = ENDS[end]
    temporary = command.temporary_of(repository, engine)
    with alone(engine), nothing_left(temporary, engine), open(repository.with_name("output"), "w+") as output:
        process = subprocess.Popen(
            [str(word) for word in command.words(stagefold, repository, options, engine)],
            env={**os.environ, "TMPDIR": str(temporary)}, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
        try:
            took = ended(process, moment, send, status)
        except Failure as failure:
            output.seek(0)
            raise Failure(f"{failure}\n{output.read()}") from failure
        finally:
            kill_all(process)
        if nap and not wait_until(lambda: not sleeps(nap), SECONDS_TO_VANISH):
            raise Failure(f"sleep {nap} goes on")
    return f"ends after {took:.1f} s, leaves nothing behind"


def ended(process, moment, send, status):
    """Sends the signal at the moment and requires that the command ends as it should; the seconds that it took."""
    if not wait_until(lambda: moment(process), SECONDS_TO_BEGIN, process):
        raise Failure("the moment did not come")
    send(process)
    sent = time.monotonic()
    try:
        if process.wait(SECONDS_TO_END) != status:
            raise Failure(f"exit status {process.returncode}, not {status}")
    except subprocess.TimeoutExpired as error:
        raise Failure(f"it has not ended after {SECONDS_TO_END} s") from error
    left = [words for session, words in processes().values() if session == process.pid]
    if left:
        raise Failure(f"these are left of it: {left}")
    return time.monotonic() - sent


def kill_all(process):
    """Ends what a failure left of the command."""
    for number, (session, _) in processes().items():
        if session == process.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
    process.wait()
