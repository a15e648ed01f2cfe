"""The flow that draws workbooks from a judged run, keeps them in the vault and logs their export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_link_artifact
from prefect.runtime import flow_run

from controls.catalog import framework_of
from flows.observing import observer
from flows.settings import config_path
from flows.steps.compiling import Workbook, compile_framework
from flows.steps.judging import find_run
from flows.steps.runtime import Runtime, open_runtime
from flows.vault.runs import RunState


def run_name() -> str:
    """The run that the workbooks are of."""
    return f"workbooks of {flow_run.parameters.get('run') or 'the newest run'}"


@flow(name="compile workbook", flow_run_name=run_name, persist_result=False)
def compile_workbook(
    config: str | None = None,
    run: str | None = None,
    frameworks: Sequence[str] = (),
    folder: str | None = None,
) -> list[dict[str, Any]]:
    """Compile the workbooks of a run (by id or slot; the newest judged one by default) for some or all frameworks."""
    runtime = open_runtime(config_path(config))
    state = find_run(runtime.vault, run)
    books = compile_all(runtime, state, frameworks, Path(folder) if folder else None)
    return [{"framework": book.framework, "name": book.name, "digest": str(book.digest)} for book in books]


def compile_all(runtime: Runtime, state: RunState, frameworks: Sequence[str], folder: Path | None) -> list[Workbook]:
    """One workbook for each framework, each with a link in Prefect's UI."""
    books = []
    for framework in frameworks or runtime.settings.frameworks:
        framework_of(runtime.catalog, framework)
        observer.get().step(f"compiling {framework}")
        book = compile_framework(runtime, state, framework, folder)
        publish_link(runtime, book)
        books.append(book)
    return books


def publish_link(runtime: Runtime, book: Workbook) -> None:
    """Where the workbook lies, as a link in Prefect's UI."""
    place = runtime.located.vault_url.rstrip("/")
    link = f"{place}/{book.key}" if place.startswith("s3://") else Path(place, book.key).as_uri()
    create_link_artifact(link=link, link_text=book.name, key=f"workbook-{book.framework}", description=str(book.digest))
