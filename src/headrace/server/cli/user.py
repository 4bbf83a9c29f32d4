"""`headrace user`: accounts, also while the server runs: it reads them at each login."""

import asyncio
import csv
import os
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TextIO, TypeVar

import click

from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.sasl.credentials import Credentials, make
from headrace.sasl.opaque import opaque
from headrace.server.admin import ControlError, NotRunning, ask
from headrace.server.cli.main import Exit, fail, with_config
from headrace.server.config import Config
from headrace.server.data import open_storage
from headrace.storage.ports import AccountExists, Storage, StorageError, StorageLocked

T = TypeVar("T")

GROUP = 500     # accounts created in one commit: a running server's writes wait for no longer than some 10 ms

from_stdin = click.option("--stdin", is_flag=True, help="Read the password from standard input, one line.")


@click.group()
def user() -> None:
    """Add, change, list and delete accounts; a running server sees it at once."""


@user.command()
@with_config
@click.argument("jid")
@from_stdin
def add(config: Config, jid: str, stdin: bool) -> None:
    """Create the account JID; asks for its password."""
    bare = account_of(config, jid)
    credentials = _credentials(config, _ask(stdin))
    with_storage(config, lambda storage: storage.accounts.create(bare, credentials))
    click.echo(f"{bare} created")


@user.command()
@with_config
@click.argument("jid")
@from_stdin
def passwd(config: Config, jid: str, stdin: bool) -> None:
    """Give JID a new password; asks for it."""
    bare, password = account_of(config, jid), _ask(stdin)
    credentials = _credentials(config, password)
    _change(config, bare, lambda storage: storage.accounts.set_credentials(bare, credentials), "set_password",
            password=password)
    click.echo(f"{bare} has a new password")


@user.command()
@with_config
@click.argument("jid")
def disable(config: Config, jid: str) -> None:
    """Let nobody log in to JID any more."""
    bare = account_of(config, jid)
    _change(config, bare, lambda storage: storage.accounts.set_disabled(bare, True), "disable")
    click.echo(f"{bare} disabled")


@user.command()
@with_config
@click.argument("jid")
def enable(config: Config, jid: str) -> None:
    """Undo `disable`."""
    bare = account_of(config, jid)
    _change(config, bare, lambda storage: storage.accounts.set_disabled(bare, False), "enable")
    click.echo(f"{bare} enabled")


@user.command("list")
@with_config
@click.argument("host", required=False)
def list_(config: Config, host: str | None) -> None:
    """List accounts, of HOST or of all."""
    for jid in with_storage(config, lambda storage: storage.accounts.jids(host)):
        click.echo(jid)


@user.command()
@with_config
@click.argument("jid")
@click.option("--yes", is_flag=True, help="Don't ask.")
def delete(config: Config, jid: str, yes: bool) -> None:
    """Delete the account JID with its roster, its archive and waiting messages."""
    bare = account_of(config, jid)
    if not yes:
        click.confirm(f"Delete {bare}, its roster, its archive and the messages that wait for it?", abort=True)
    _change(config, bare, lambda storage: storage.accounts.delete(bare), "delete")
    click.echo(f"{bare} deleted")


@user.command("import")
@with_config
@click.argument("file", type=click.File(encoding="utf-8"))
def import_(config: Config, file: TextIO) -> None:
    """Create accounts from FILE, a CSV with lines `jid,password`; `-` is standard input.

    Nothing is created if a line is wrong. Accounts that exist stay as they are."""
    entries = _entries(config, file)
    created = with_storage(config, partial(_create_all, config, entries))
    click.echo(f"{created} created, {len(entries) - created} existed already")


class _Entry(NamedTuple):
    jid: str
    password: str


def _entries(config: Config, file: TextIO) -> list[_Entry]:
    """Judges every line before the first account is made."""
    entries, wrong = [], []
    reader = csv.reader(file)
    for row in reader:
        if not row:
            continue
        try:
            jid, password = row
            entries.append(_Entry(_bare(config, jid.strip()), password))
            opaque(password)
        except ValueError as error:
            reason = "not `jid,password`" if len(row) != 2 else str(error)
            wrong.append(f"{file.name} line {reader.line_num}: {reason}")
    if wrong:
        more = [f"and {len(wrong) - 10} lines more"] if len(wrong) > 10 else []
        fail(Exit.FAILED, "\n".join(["nothing was imported:", *wrong[:10], *more]))
    return entries


async def _create_all(config: Config, entries: list[_Entry], storage: Storage) -> int:
    """Derives on all cores (hashlib lets go of the GIL), commits a group at a time."""
    def derived(entry: _Entry) -> tuple[str, Credentials]:
        return entry.jid, make(entry.password, iterations=config.iterations)

    created = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(entries), GROUP):
            group = list(pool.map(derived, entries[start:start + GROUP]))
            created += await storage.accounts.create_many(group)
    return created


def _change(config: Config, bare: str, job: Callable[[Storage], Awaitable[bool]], do: str, **values: str) -> None:
    """By the server that runs, which ends the account's sessions too; else in the storage alone."""
    try:
        found = ask(config.data, do, jid=bare, **values)
    except NotRunning:
        found = with_storage(config, job)
    except (ControlError, OSError) as error:
        fail(Exit.FAILED, error)
    if not found:
        fail(Exit.FAILED, f"there is no account {bare}")


def with_storage(config: Config, job: Callable[[Storage], Awaitable[T]]) -> T:
    async def run() -> T:
        storage = await open_storage(config)
        try:
            return await job(storage)
        finally:
            await storage.close()

    try:
        return asyncio.run(run())
    except AccountExists as error:
        fail(Exit.FAILED, error)
    except StorageLocked as error:
        fail(Exit.LOCKED, error)
    except StorageError as error:
        fail(Exit.STORAGE, error)


def account_of(config: Config, jid: str) -> str:
    try:
        return _bare(config, jid)
    except ValueError as error:
        fail(Exit.FAILED, error)


def _bare(config: Config, text: str) -> str:
    """The prepared bare JID; ValueError if it can't be an account here."""
    try:
        jid = JID.parse(text, assigned=True)
    except JIDError as error:
        raise ValueError(f"{text!r}: {error}") from error
    hosts = [host.name for host in config.hosts]
    if jid.local is None or jid.resource is not None:
        raise ValueError(f"{text!r} is not an account: write user@host")
    if jid.domain not in hosts:
        raise ValueError(f"{jid.domain} is not served here: hosts are {', '.join(hosts)}")
    return jid.bare


def _ask(stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _credentials(config: Config, password: str) -> Credentials:
    try:
        return make(password, iterations=config.iterations)
    except ValueError as error:
        fail(Exit.FAILED, error)
