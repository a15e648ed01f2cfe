"""What can go wrong while drawing, and while a package is read."""

from flows.errors import FlowsError


class ReportError(Exception):
    """Base of all errors of the report."""


class UnknownTemplateError(ReportError):
    """The spreadsheet library wrote a sheet in a shape that rows cannot be put into."""


class UnsafePackage(ReportError, FlowsError):
    """A package, or a file of it, that nobody should read: links, names that lead outside, a bomb, a broken archive."""


class NotDisclosed(ReportError, FlowsError):
    """Personal data may not leave: no agreement, no reason, or no recipient."""

    exit_code = 2
