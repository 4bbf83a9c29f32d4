"""`headrace serve`."""

import asyncio

import click

from headrace.net.tls import TlsError
from headrace.server.app import App, PortError
from headrace.server.certificates import CertificateError
from headrace.server.cli.main import Exit, fail, with_config
from headrace.server.config import Config
from headrace.server.log import configure
from headrace.storage.ports import StorageError, StorageLocked


@click.command()
@with_config
def serve(config: Config) -> None:
    """Run the server until SIGTERM or SIGINT. SIGHUP reads certificates again."""
    app = App(config, configure(config.log))
    try:
        with asyncio.Runner(loop_factory=_loop) as runner:
            runner.run(app.run())
    except PortError as error:
        fail(Exit.PORT, error)
    except (CertificateError, TlsError) as error:
        fail(Exit.CERTIFICATE, error)
    except StorageLocked as error:
        fail(Exit.LOCKED, error)
    except StorageError as error:
        fail(Exit.STORAGE, error)


def _loop() -> asyncio.AbstractEventLoop:
    """uvloop's, which is faster, where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
