"""What can go wrong while gathering. A call that fails is a gather result, not an exception; these are the rest."""

from __future__ import annotations

from controls.errors import Mistake

CREDENTIALS_REFUSED = "credentials refused"
"""Begins the reason of every unit of an account whose credentials were refused, that of the one which found it too."""


class CollectorError(Exception):
    """Base of all errors of the collectors."""


class BadKind(CollectorError):
    """A declaration cannot work: the message names the kind, what was expected and what to do, and file and line where
    the declaration was read from a file.
    """

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__(*mistakes)
        self.mistakes = mistakes

    def __str__(self) -> str:
        return "\n".join(str(mistake) for mistake in self.mistakes)


class ForbiddenCall(CollectorError):
    """A call that this product never makes."""


class CredentialsRefused(CollectorError):
    """The source does not accept our credentials; nothing more can be gathered from the account."""


class NotSpooled(CollectorError):
    """A spool is used before it is finished or after it is closed."""
