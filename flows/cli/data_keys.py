"""`evidence data-keys`: the key encryption key that data keys are wrapped under."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.cli.options import Config, Json

app = typer.Typer(help="The key encryption key of personal artifacts.", no_args_is_help=True)


@app.command("init")
def init(
    folder: Annotated[str, typer.Argument(help="A new folder for both, outside the vault")],
    config: Config = None,
    json: Json = False,
) -> None:
    """Make a key encryption key and a folder for data keys, and print what the settings need to name them."""
    from pathlib import Path

    from flows.cli.console import now, print_json, say
    from flows.settings import config_path, load_settings
    from flows.steps.rotating import found_keys

    added = found_keys(load_settings(config_path(config)), Path(folder).absolute(), now())
    if json:
        print_json({"vault": {"keys": added}})
        return
    say("Add to the settings, under vault:")
    say(f"  keys: {{url: {added['url']}, kek: '{added['kek']}'}}")
    say("Keep a copy of the key encryption key: without it, personal evidence can never be read again")


@app.command("rotate")
def rotate(
    forget: Annotated[
        bool, typer.Option("--forget", help="Drop the keys of earlier quarters: old backups of data keys die with them")
    ] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Begin a new epoch: a new key encryption key, every data key that stands wrapped under it. Once a quarter."""
    from flows.cli.console import now, print_json, say
    from flows.settings import config_path
    from flows.steps.rotating import rotate
    from flows.steps.runtime import open_runtime

    runtime = open_runtime(config_path(config))
    done = rotate(runtime.located, runtime.vault, now(), forget=forget)
    if json:
        print_json({"epoch": done.epoch, "rewrapped": done.rewrapped, "forgotten": list(done.forgotten)})
    else:
        say(f"epoch {done.epoch}: {done.rewrapped} data keys wrapped; forgotten: {', '.join(done.forgotten) or 'none'}")
