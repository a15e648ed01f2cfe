"""The command line: one module a command; parse, call, print, exit code. Nothing imports this room."""


def main() -> None:
    """The command `evidence`."""
    import gc

    from flows.cli.app import run

    # Thousands of modules and models are made at the start and stay: Python's default looks through all of them each
    # time some hundred more were made, which was a fifth of a run's time. None is garbage while they are loaded.
    gc.set_threshold(20_000, 8, 6)
    run()
