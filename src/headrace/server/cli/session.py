"""`headrace session`: who is logged in at the server that runs."""

from typing import Any

import click
import orjson

from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.server.cli.main import Exit, ask_server, fail, with_config
from headrace.server.config import Config


@click.group()
def session() -> None:
    """List and end the sessions of the server that runs."""


@session.command("list")
@with_config
@click.argument("host", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(config: Config, host: str | None, as_json: bool) -> None:
    """List sessions, of HOST or of all: address, encryption, priority, silence."""
    for one in ask_server(config, "sessions", host=host):
        click.echo(orjson.dumps(one) if as_json else _line(one))


@session.command()
@with_config
@click.argument("jid")
def end(config: Config, jid: str) -> None:
    """End the sessions of the account JID, or the one of a full JID. Who knows the password may come again."""
    try:
        wanted = JID.parse(jid)
    except JIDError as error:
        fail(Exit.FAILED, f"{jid!r}: {error}")
    if wanted.local is None:
        fail(Exit.FAILED, f"{jid!r} is not an account: write user@host or user@host/resource")
    ended = ask_server(config, "end", jid=wanted.full)
    if not ended:
        fail(Exit.FAILED, f"{wanted.full} has no session")
    click.echo(f"{ended} ended")


def _line(one: dict[str, Any]) -> str:
    """Of what headrace.cluster.ports.Online says."""
    presence = f"priority {one['priority']}" if one["available"] else "no presence"
    encrypted = "TLS" if one["tls"] else "no TLS"
    return f"{one['jid']}  {one['address'] or 'away'}  {encrypted}  {presence}  silent {one['silence']:.0f} s"

