"""What can go wrong while things happen, with the exit code each stands for (DESIGN section 8)."""


class FlowsError(Exception):
    """Base of the errors that a person can act on: shown as one line, never with a trace."""

    exit_code = 3


class SettingsError(FlowsError):
    """The settings are missing or wrong."""

    exit_code = 2


class SecretInWords(SettingsError):
    """What would be sealed with a run shows a secret."""


class UsageError(FlowsError):
    """What was asked for cannot be: an unknown name, or options that exclude one another."""

    exit_code = 2


class NothingPlanned(UsageError):
    """A selection that plans no unit."""


class RunNotFound(UsageError):
    """The log has no such run."""


class RunNotClosed(FlowsError):
    """A step needs a closed run."""


class SealedDiffers(FlowsError):
    """A stored artifact does not agree with the log."""

    exit_code = 4


class ApiNotReady(FlowsError):
    """Prefect's API did not start."""
