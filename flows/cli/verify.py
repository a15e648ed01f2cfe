"""`evidence verify`: does the vault hold, by a policy pinned outside of it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from flows.cli.options import Config, Json

if TYPE_CHECKING:
    from evidence_schema.models.trust import TrustPolicy
    from evidence_schema.reader import Reader
    from evidence_schema.verification import Report, WorkbookReport
    from flows.vault.data_keys import DataKeys


def verify(
    place: Annotated[
        str | None, typer.Argument(help="A vault folder, s3://bucket or a package [default: the settings' vault]")
    ] = None,
    trust: Annotated[str | None, typer.Option("--trust", help="The trust policy that you pinned (a file)")] = None,
    kept: Annotated[
        str | None, typer.Option(help="A checkpoint that you kept: nothing before it may have changed")
    ] = None,
    anchor: Annotated[
        list[str] | None,
        typer.Option(help="s3://bucket or a folder with copies of checkpoints, read by your own rights; repeatable"),
    ] = None,
    anchor_profile: Annotated[str | None, typer.Option(help="The AWS profile that may read the anchors")] = None,
    anchor_endpoint: Annotated[str | None, typer.Option(help="Where their S3 is, if not at AWS")] = None,
    save: Annotated[
        str | None, typer.Option("--save-checkpoint", help="Write the newest checkpoint here, to keep")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="The receipt of your last look: the log must continue it, and what came since")
    ] = None,
    save_receipt: Annotated[
        str | None, typer.Option("--save-receipt", help="Write a receipt of this look here, a new file, to keep")
    ] = None,
    keys: Annotated[
        bool, typer.Option("--keys", help="Open what is encrypted, with the data keys that the settings name")
    ] = False,
    workbook: Annotated[str | None, typer.Option(help="A workbook: was it compiled from this log?")] = None,
    proof: Annotated[
        str | None, typer.Option(help="A proof of one artifact; the argument is then the artifact's file")
    ] = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Check every entry, checkpoint, receipt and byte, and say what holds: a verdict for each property.

    Without --trust nothing is believed for its signature: keys found in the store are never trusted.
    Exit 0 sound, 4 tampered, 5 incomplete or stale, 6 unpinned, 2 usage, 3 could not be read.
    """
    from pathlib import Path

    from evidence_schema.errors import BadReceipt
    from evidence_schema.verification import (
        make_receipt,
        read_receipt,
        read_trust_policy,
        verify_log,
        verify_workbook,
    )
    from flows.cli.console import now
    from flows.cli.files import pieces, read_file
    from flows.cli.progress import counting
    from flows.errors import UsageError
    from flows.report.package.reading import PackageVault, is_package, open_package
    from flows.steps.places import anchor_at, keys_at, store_at

    policy = read_trust_policy(read_file(trust)) if trust else None
    held = read_file(kept) if kept else None
    receipt = read_receipt(read_file(since)) if since else None
    if save_receipt and Path(save_receipt).exists():
        raise UsageError(f"expected no file at {save_receipt}, found one: every receipt is worth keeping; name another")
    anchors = [anchor_at(url, anchor_endpoint, anchor_profile) for url in anchor or ()]
    if proof is not None and (anchors or receipt or save_receipt):
        raise UsageError("expected --anchor, --since and --save-receipt with a log, found --proof, of one artifact")
    if proof is not None:
        _verify_proof(proof, place, policy, as_json=json)
    store: Reader
    files, log = None, None
    if place is not None and is_package(place):
        files = open_package(Path(place))
        store = PackageVault(files)
    else:
        store, settings = store_at(place, config)
        log = settings.log
    opener = _required(keys_at(config, required=True)) if keys else None
    looked = now()
    with counting("verifying") as progress:
        report = verify_log(
            store, trust=policy, now=looked, kept=held, log=log, progress=progress, package=files, keys=opener,
            anchors=anchors, receipt=receipt,
        )  # fmt: skip
    about = verify_workbook(store, pieces(workbook), trust=policy) if workbook else None
    _show(report, about, as_json=json)
    if save:
        Path(save).write_bytes(report.checkpoint)
    if save_receipt:
        try:
            kept_now = make_receipt(report, policy, looked).canonical()
        except BadReceipt as error:
            typer.echo(f"no receipt was written: {error}", err=True)
        else:
            with Path(save_receipt).open("xb") as file:
                file.write(kept_now)
    codes = [report.exit_code, *([about.exit_code] if about else [])]
    raise typer.Exit(min((code for code in codes if code), default=0))  # 4 before 5 before 6


def _verify_proof(proof: str, artifact: str | None, policy: TrustPolicy | None, *, as_json: bool) -> NoReturn:
    from evidence_schema.verification import verify_proof
    from flows.cli.console import print_json, say
    from flows.cli.files import pieces, read_file

    report = verify_proof(read_file(proof), trust=policy, artifact=pieces(artifact) if artifact else None)
    unit = str(report.about.unit) if report.about else ""
    told = {
        "artifact": str(report.artifact or ""),
        "origin": report.origin,
        "tree_size": report.tree_size,
        "entry": report.seq,
        "type": report.entry.type if report.entry else "",
        "run_id": getattr(report.entry, "run_id", ""),
        "unit": unit,
        "file_checked": report.is_file_checked,
        "tokens_not_judged": report.tokens,
        "pinned": report.pinned,
        "exit_code": report.exit_code,
        "problems": [_plain(problem) for problem in report.problems],
    }
    if as_json:
        print_json(told)
    else:
        for name, value in told.items():
            if name != "problems":
                say(f"{name:<18}{value}")
        for item in report.problems:
            say(f"PROBLEM {item.type}: expected {item.expected}, found {item.found}")
        if not report.is_file_checked:
            say("no file given: the proof is about a digest, and nobody looked whether your file has it")
    raise typer.Exit(report.exit_code)


def _required(keys: DataKeys | None) -> DataKeys:
    from flows.errors import UsageError

    if keys is None:
        raise UsageError("expected vault.keys in the settings, to open what is encrypted, found none")
    return keys


def _show(report: Report, about: WorkbookReport | None, *, as_json: bool) -> None:
    from flows.cli.console import print_json, print_table, say

    problems = [*report.problems, *(about.problems if about else ())]
    if as_json:
        print_json(
            {
                "log": report.log,
                "origin": report.origin,
                "tree_size": report.tree_size,
                "root": report.root,
                "entries": report.entries,
                "runs": report.runs,
                "blobs": report.blobs,
                "bytes": report.bytes,
                "left_out": report.left_out,
                "encrypted": report.encrypted,
                "opened": report.opened,
                "erased": report.erased,
                "pinned": report.pinned,
                "simulated_runs": report.simulated_runs,
                "exit_code": report.exit_code,
                "verdicts": {
                    str(name): {"verdict": str(verdict), "reason": reason}
                    for name, (verdict, reason) in report.verdicts.items()
                },
                "problems": [_plain(problem) for problem in problems],
                "notes": [_plain(note) for note in report.notes],
                "since": _since(report),
            }
        )
        return
    label = "SIMULATED " if report.simulated_runs else ""
    counts = f"{report.entries} entries, {report.runs} runs, {report.blobs} blobs ({report.bytes} bytes)"
    say(f"{label}log {report.log}: {counts}")
    if report.encrypted:
        say(f"{report.encrypted} artifacts are encrypted: {report.opened} opened, {report.erased} erased")
    print_table(
        "Verdicts",
        ("property", "verdict", "why"),
        [(name, str(verdict).replace("_", " "), reason) for name, (verdict, reason) in report.verdicts.items()],
    )
    for title, found in (("Problems", problems), ("Notes", report.notes)):
        if found:
            print_table(
                title,
                ("step", "type", "key", "expected", "found"),
                [(item.step, item.type, item.key, item.expected, item.found) for item in found],
            )
    if report.since is not None:
        since = report.since
        counts = ", ".join(f"{count} {name}" for name, count in since.counts.items()) or "nothing"
        say(f"since your look at {since.looked:%Y-%m-%dT%H:%M:%SZ}, at {since.size} entries: {counts}")
        events = [(event.seq, event.type, f"{event.time:%Y-%m-%dT%H:%M:%SZ}", event.about) for event in since.events]
        if events:
            print_table("Since then", ("entry", "type", "time", "about"), events)
    if about is not None and about.export is not None:
        say(f"the workbook is {about.export.name}, exported from {about.export.run_id} by entry {about.seq}")
    if not report.pinned:
        say("UNPINNED: give --trust with the policy that you pinned when the engagement began")


def _since(report: Report) -> dict[str, object] | None:
    from evidence_schema.models.base import format_time

    since = report.since
    if since is None:
        return None
    return {
        "tree_size": since.size,
        "looked": format_time(since.looked),
        "entries": since.entries,
        "counts": dict(since.counts),
        "events": [
            {"entry": event.seq, "type": event.type, "time": format_time(event.time), "about": event.about}
            for event in since.events
        ],
    }


def _plain(problem: object) -> dict[str, object]:
    from dataclasses import asdict, is_dataclass

    if not is_dataclass(problem) or isinstance(problem, type):
        raise TypeError("expected a problem")
    return {name: str(value) if name == "property" else value for name, value in asdict(problem).items()}
