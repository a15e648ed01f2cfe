"""What can be wrong with what must be proven."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mistake:
    """One mistake of a file and where it stands. A declaration that came sealed with a run has no file."""

    path: Path | None
    line: int | None
    """From one; None where the file as a whole is meant."""
    text: str
    """What was expected, what was found, what to do."""

    def __str__(self) -> str:
        """`FILE:LINE: TEXT`, as compilers say it and editors open it."""
        place = [str(item) for item in (self.path, self.line) if item is not None]
        return f"{':'.join(place)}: {self.text}" if place else self.text


class ControlsError(Exception):
    """Base of all errors of the controls."""


class CatalogError(ControlsError):
    """Catalogue files are not as expected; the message names file, line and what to do, a line a mistake."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__(*mistakes)
        self.mistakes = mistakes

    def __str__(self) -> str:
        return "\n".join(str(mistake) for mistake in self.mistakes)


class UnknownName(ControlsError):
    """A framework, control, requirement or kind that the catalogue does not have; the message names near matches."""


class RuleError(ControlsError):
    """A rule cannot be used: its syntax, or a use of `record` that cannot be followed."""

    def __init__(self, text: str, part: str = "") -> None:
        super().__init__(text, part)
        self.part = part
        """The part of its check that the rule plays (`when`, `assert`, ...), where that is known."""

    def __str__(self) -> str:
        return str(self.args[0])
