"""`headrace bench`, imported when it is asked for: it is a program of its own, with packages of its own."""

from typing import Any

import click

from headrace.server.cli.main import Exit, fail


class LazyBench(click.Command):
    """Stands for headrace.bench.cli.bench until it is called."""

    def make_context(self, info_name: str | None, args: list[str], parent: click.Context | None = None,
                     **extra: Any) -> click.Context:
        try:
            from headrace.bench.cli import bench
        except ModuleNotFoundError as error:
            fail(Exit.FAILED, f"bench needs the package {error.name}: pip install 'headrace[bench]'")
        return bench.make_context(info_name, args, parent, **extra)


bench = LazyBench("bench", short_help="Load any XMPP server and say what it holds.")
