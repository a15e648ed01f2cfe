"""What can go wrong while drawing."""


class ReportError(Exception):
    """Base of all errors of the report."""


class UnknownTemplateError(ReportError):
    """The spreadsheet library wrote a sheet in a shape that rows cannot be put into."""
