"""`evidence keys`: the signing key of the log ends, and another follows; or it was stolen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.options import Config, Json

if TYPE_CHECKING:
    from flows.steps.handing_over import NewTrust

app = typer.Typer(help="The log's signing key: rotation, and theft. See docs/runbook-keys.md.", no_args_is_help=True)

WriteSettings = Annotated[
    bool, typer.Option("--write-settings", help="Name the key and the new policy in the settings, too")
]


@app.command("rotate")
def rotate(
    to: Annotated[str, typer.Option(metavar="URI", help="file:PATH (made where none is) or awskms:ARN")],
    from_: Annotated[
        str | None, typer.Option("--from", metavar="URI", help="The key that ends [default: keys.log of the settings]")
    ] = None,
    write_settings: WriteSettings = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Let the log go on with another key: an entry signed by the old key, a checkpoint signed by both, a new trust
    policy beside the old one. The auditor pins it by its fingerprint: until then `verify` says that the new key is not
    pinned. Killed anywhere, the same command again does what is left.

    Paths are relative to the settings, as keys.log is. A new file is sealed with $EVIDENCE_NEW_KEY_PASSPHRASE, else
    with $EVIDENCE_KEY_PASSPHRASE. An open run of the old key stops at its next entry: start it again, and it resumes.
    """
    from flows.cli.console import print_json, say
    from flows.settings import config_path
    from flows.steps.handing_over import hand_over

    done = hand_over(config_path(config), to, from_=from_, write_settings=write_settings)
    if json:
        print_json({"entry": done.seq, "ended": done.ended, "follows": done.follows, **_plain(done.trust)})
        return
    say(f"entry         {done.seq}: key {done.ended} ends with it")
    say(f"follows       key {done.follows}")
    _tell(done.trust)


@app.command("revoke")
def revoke(
    stolen_at: Annotated[
        str, typer.Option("--stolen-at", help="The earliest moment of the theft, UTC: 2026-11-01[T06:00:00Z]")
    ],
    key: Annotated[str | None, typer.Option(help="The key's id [default: the key that ended last]")] = None,
    first: Annotated[
        int | None,
        typer.Option("--from", min=0, help="Entries from this number on are not believed at all"),
    ] = None,
    write_settings: WriteSettings = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Make a trust policy in which a stolen key is believed only for entries that a time-stamp token, or a checkpoint
    that the auditor kept, covers from before the theft. Rotate first. Nothing is written to the log.
    """
    from flows.cli.console import print_json, read_moment, say
    from flows.errors import UsageError
    from flows.settings import config_path
    from flows.steps.handing_over import revoke

    moment = read_moment(stolen_at)
    if moment is None:
        raise UsageError("expected --stolen-at, found none")
    revoked, trust = revoke(config_path(config), moment, key_id=key, first=first, write_settings=write_settings)
    if json:
        print_json({"revoked": revoked, **_plain(trust)})
        return
    say(f"revoked       key {revoked}")
    _tell(trust)


@app.command("link")
def link(
    checkpoint: Annotated[str, typer.Option(help="The last checkpoint of the previous log that was kept (a file)")],
    trust: Annotated[str, typer.Option(help="The previous log's trust policy (a file)")],
    config: Config = None,
    json: Json = False,
) -> None:
    """After the key was lost: begin the new log of the settings with the last kept checkpoint of the previous one. It
    is a break, and every verifier tells it as one; the previous log is verified by its own policy.
    """
    from evidence_schema.verification import read_trust_policy
    from flows.cli.console import print_json, say
    from flows.cli.files import read_file
    from flows.settings import config_path
    from flows.steps.handing_over import link

    policy = read_trust_policy(read_file(trust))
    found = link(config_path(config), read_file(checkpoint), policy)
    if json:
        print_json({"previous": policy.log, "origin": found.origin, "size": found.size})
    else:
        say(f"entry 0       in the place of {policy.log}, {found.size} entries: a break, and told as one")


def _plain(trust: NewTrust) -> dict[str, Any]:
    return {
        "trust_policy": str(trust.path),
        "fingerprint": str(trust.fingerprint),
        "settings": {"keys": {"log": trust.log_key}, "trust_policy": trust.trust_policy},
        "settings_written": trust.are_settings_written,
    }


def _tell(trust: NewTrust) -> None:
    from flows.cli.console import say

    say(f"trust policy  {trust.path}")
    say(f"fingerprint   {trust.fingerprint}")
    if trust.are_settings_written:
        say("The settings name both.")
    else:
        say("In the settings, set:")
        say(f"  keys: {{log: '{trust.log_key}'}}")
        say(f"  trust_policy: {trust.trust_policy}")
    say("Give the trust policy and its fingerprint to your auditor, who pins it.")
