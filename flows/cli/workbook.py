"""`evidence workbook`: compile workbooks of a judged run."""

from __future__ import annotations

import typer

from flows.cli.options import Config, Folder, Frameworks, Json, RunName


def workbook(
    run: RunName = None,
    config: Config = None,
    framework: Frameworks = None,
    folder: Folder = "workbooks",
    json: Json = False,
) -> None:
    """Compile the workbook of each framework, keep it in the vault, log the export, and write it to a folder."""
    from pathlib import Path

    from controls.catalog import framework_of
    from flows.cli.console import print_json, print_table
    from flows.settings import config_path
    from flows.steps.compiling import compile_framework
    from flows.steps.judging import find_run
    from flows.steps.runtime import open_runtime

    runtime = open_runtime(config_path(config))
    wanted = framework or list(runtime.settings.frameworks)
    for name in wanted:
        framework_of(runtime.catalog, name)
    state = find_run(runtime.vault, run)
    books = [compile_framework(runtime, state, name, Path(folder)) for name in wanted]
    if json:
        print_json(
            [
                {"framework": book.framework, "path": str(book.path), "digest": str(book.digest), "key": book.key}
                for book in books
            ]
        )
    else:
        print_table(
            "Workbooks", ("framework", "path", "digest"), [(book.framework, book.path, book.digest) for book in books]
        )
    raise typer.Exit(0)
