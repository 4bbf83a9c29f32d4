"""The `headrace` command."""

from headrace.server.cli.archive import archive
from headrace.server.cli.bench import bench
from headrace.server.cli.config import config as config_commands
from headrace.server.cli.main import main
from headrace.server.cli.s2s import s2s
from headrace.server.cli.serve import serve
from headrace.server.cli.session import session as session_commands
from headrace.server.cli.user import user as user_commands

__all__ = ["main"]

main.add_command(serve)
main.add_command(user_commands)
main.add_command(session_commands)
main.add_command(archive)
main.add_command(config_commands)
main.add_command(bench)
main.add_command(s2s)
