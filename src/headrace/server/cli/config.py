"""`headrace config`: judging a configuration without serving from it."""

import click

from headrace.server.certificates import CertificateError, check, check_authorities
from headrace.server.cli.main import Exit, fail, with_config
from headrace.server.config import Config


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command("check")
@with_config
def check_config(settings: Config) -> None:
    """Say what is wrong with the configuration, or what it means."""
    for host in settings.hosts:
        try:
            if host.certificate is not None and host.key is not None:
                check(host.certificate, host.key)
            if host.client_certificates is not None:
                check_authorities(host.client_certificates)
        except CertificateError as error:
            fail(Exit.CERTIFICATE, error)
    click.echo(f"{settings.source or 'built-in default'}: good")
    click.echo(f"  data      {settings.data}")
    click.echo(f"  storage   {settings.storage.backend}")
    for listener in settings.listeners:
        click.echo(f"  listener  {listener}")
    for host in settings.hosts:
        moved = f", clients are sent to {host.see_other_host}" if host.see_other_host else ""
        click.echo(f"  host      {host.name}, certificate {host.certificate or 'made here, self-signed'}{moved}")
