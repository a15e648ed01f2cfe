"""The exceptions of the simulated world."""

from flows.errors import FlowsError


class DemoError(FlowsError):
    """The simulated world could not be built, or was asked for something that it cannot do."""
