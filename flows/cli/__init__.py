"""The command line: one module a command; parse, call, print, exit code. Nothing imports this room."""


def main() -> None:
    """The command `evidence`."""
    from flows.cli.app import run

    run()
