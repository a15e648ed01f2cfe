"""Helper processes end with their parent, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.children import Children, ChildrenError, answers_on, free_port, free_ports

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]
# Starts two children, one with a grandchild and one that ignores SIGTERM, says their pids, then waits to be killed.
PARENT = """
import sys, time
from pathlib import Path
from flows.children import Children
folder = Path(sys.argv[1])
with Children() as children:
    children.remove_at_end(folder)
    family = children.start([sys.executable, "-c", {family!r}], log=folder / "family.log")
    stubborn = children.start({stubborn!r}, log=folder / "stubborn.log")
    family.wait_ready(lambda: (folder / "family.log").read_text().endswith("\\n"), 10)
    stubborn.wait_ready(lambda: (folder / "stubborn.log").read_text() == "up\\n", 10)
    print(family.pid, stubborn.pid, (folder / "family.log").read_text(), flush=True)
    time.sleep(600)
"""
FAMILY = (
    "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "print(p.pid, flush=True); time.sleep(600)"
)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def gone_within(seconds: float, pids: list[int], folder: Path) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(alive(pid) for pid in pids) and not folder.exists():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM])
def test_children_and_folder_are_gone_within_five_seconds_of_the_parent(tmp_path: Path, way: signal.Signals) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    script = PARENT.format(family=FAMILY, stubborn=STUBBORN)
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout
    with parent.stdout:
        pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 3
    assert all(alive(pid) for pid in pids)
    parent.send_signal(way)
    parent.wait(10)
    assert gone_within(5, pids, folder)


def test_leaving_the_block_ends_the_children_before_it_returns(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    with Children() as children:
        children.remove_at_end(folder)
        pids = [children.start(SLEEP).pid for _ in range(3)]
        assert all(alive(pid) for pid in pids)
    assert not any(alive(pid) for pid in pids)
    assert not folder.exists()


def test_a_killed_guardian_does_not_leave_children_to_a_parent_that_closes() -> None:
    with Children() as children:
        child = children.start(SLEEP)
        children._guardian.kill()
        children._guardian.wait()
        with pytest.raises(ChildrenError, match="guardian"):
            children.start(SLEEP)
    assert gone_within(2, [child.pid], Path("/nonexistent"))


def test_a_fork_of_the_parent_does_not_keep_the_guardian_waiting() -> None:
    children = Children()
    child = children.start(SLEEP)
    fork = os.fork()
    if fork == 0:
        time.sleep(30)
        os._exit(0)
    try:
        started = time.monotonic()
        children.close()
        assert time.monotonic() - started < 5
        assert not alive(child.pid)
    finally:
        os.kill(fork, signal.SIGKILL)
        os.waitpid(fork, 0)


def test_a_child_that_dies_before_it_is_ready_says_so_with_the_end_of_its_log(tmp_path: Path) -> None:
    with Children() as children:
        child = children.start(
            [sys.executable, "-c", "print('no disk left'); raise SystemExit(7)"], log=tmp_path / "log", name="store"
        )
        with pytest.raises(ChildrenError, match=r"store ended with code 7 before it was ready(.|\n)*no disk left"):
            child.wait_ready(lambda: False, 10)


def test_a_child_that_is_never_ready_is_an_error_after_the_timeout() -> None:
    with Children() as children:
        child = children.start(SLEEP, name="sleeper")
        with pytest.raises(ChildrenError, match=r"sleeper was not ready after 0\.2 s"):
            child.wait_ready(lambda: False, 0.2)


def test_a_program_that_does_not_exist_is_an_error_and_the_guardian_lives_on() -> None:
    with Children() as children:
        with pytest.raises(ChildrenError, match=r"Could not start /no/such/program"):
            children.start(["/no/such/program"])
        assert children.start(SLEEP).exit_code() is None


def test_stop_waits_for_the_end_and_forces_a_child_that_does_not_listen(tmp_path: Path) -> None:
    with Children() as children:
        polite = children.start(SLEEP)
        assert polite.stop() == -signal.SIGTERM
        assert not alive(polite.pid)
        stubborn = children.start(STUBBORN, log=tmp_path / "log")
        stubborn.wait_ready(lambda: (tmp_path / "log").read_text() == "up\n", 10)
        assert stubborn.stop(timeout=0.2) == -signal.SIGKILL
        assert not alive(stubborn.pid)
        assert stubborn.stop() == -signal.SIGKILL  # again: nothing to do, same answer


def test_environment_and_folder_are_those_asked_for_and_secrets_stay_out_of_the_arguments(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Children() as children:
        code = "import os; print(os.environ['SECRET'], os.getcwd())"
        child = children.start([sys.executable, "-c", code], env={"SECRET": "s3"}, cwd=tmp_path, log=log)
        assert child.wait(10) == 0
    assert log.read_text().split() == ["s3", str(tmp_path.resolve())]


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(12)
    assert len(set(ports)) == 12
    assert not any(answers_on(port) for port in [*ports, free_port()])
