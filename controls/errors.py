"""What can be wrong with what must be proven."""


class ControlsError(Exception):
    """Base of all errors of the controls."""


class CatalogError(ControlsError):
    """A catalogue file is not as expected; the message names file, line and what to do."""


class UnknownName(ControlsError):
    """A framework, control, requirement or kind that the catalogue does not have; the message names near matches."""


class RuleError(ControlsError):
    """A rule cannot be used: its syntax, or a use of `record` that cannot be followed."""
