"""How an error must be told."""

from __future__ import annotations

from worlds import Completed


def told(done: Completed, exit_code: int, lines: int = 1) -> str:
    """The last lines on stderr of a command that could not be done: one a mistake, and never a trace."""
    assert done.returncode == exit_code, (done.returncode, done.stderr)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    found = done.stderr.strip().splitlines()
    assert len(found) == lines, done.stderr
    assert found[0].startswith("evidence: ")
    return "\n".join(found)
