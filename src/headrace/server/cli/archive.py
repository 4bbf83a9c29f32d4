"""`headrace archive`: what accounts have archived, also while the server runs."""

import click

from headrace.server.cli.main import Exit, fail, with_config
from headrace.server.cli.user import account_of, with_storage
from headrace.server.config import Config
from headrace.server.retention import purge


@click.group()
def archive() -> None:
    """Empty and prune the archives of accounts; a running server goes on meanwhile."""


@archive.command()
@with_config
@click.argument("jid")
@click.option("--yes", is_flag=True, help="Don't ask.")
def delete(config: Config, jid: str, yes: bool) -> None:
    """Empty the archive of the account JID.

    Others keep their copies of what they wrote to it and got from it; what waits for its next login still does."""
    bare = account_of(config, jid)
    if not yes:
        click.confirm(f"Delete all messages in the archive of {bare}?", abort=True)
    left = with_storage(config, lambda storage: storage.archive.clear(bare))
    click.echo(f"{left} messages deleted")


@archive.command()
@with_config
@click.argument("host", required=False)
def prune(config: Config, host: str | None) -> None:
    """Delete what is older, or more, than archive_days and archive_messages of HOST, or of each host, allow.

    The server does so every hour."""
    hosts = [one for one in config.hosts if host in (None, one.name)]
    if not hosts:
        fail(Exit.FAILED, f"{host} is not served here")
    for one in hosts:
        left = with_storage(config, lambda storage, one=one: purge(storage, one))   # type: ignore[misc]
        click.echo(f"{one.name}: {left} messages deleted")
