"""`headrace s2s`: the streams of the server that runs with others."""

from typing import Any

import click
import orjson

from headrace.server.cli.main import Exit, ask_server, with_config
from headrace.server.config import Config


@click.group()
def s2s() -> None:
    """Streams with other servers, of the server that runs."""


@s2s.command("list")
@with_config
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(config: Config, as_json: bool) -> None:
    """List streams: direction, domains, address, TLS, how the one that connected has proven who it is, queue."""
    for one in ask_server(config, "servers"):
        click.echo(orjson.dumps(one) if as_json else _line(one))


@s2s.command()
@with_config
@click.argument("domain")
@click.option("--from", "host", help="Whose server to be; the first of ours if not given.")
def test(config: Config, domain: str, host: str | None) -> None:
    """Open a stream to DOMAIN and close it, telling each step: DNS, TCP, TLS, certificate, login."""
    trial = ask_server(config, "reach", domain=domain, host=host)
    for step in trial["steps"]:
        click.echo(step)
    if not trial["reached"]:
        raise SystemExit(Exit.FAILED)


def _line(one: dict[str, Any]) -> str:
    """Of what headrace.session.federation.LinkInfo says."""
    arrow = {"in": "<-", "out": "->", "both": "<->"}[one["direction"]]
    pair = f"{one['ours']} {arrow} {one['theirs']}"
    return f"{pair}  {one['address']}  {one['tls']}  {one['how']}  queue {one['queue']} B"
