"""`python -m headrace.server`: the headrace command where it is not installed as one."""

from headrace.server.cli import main

main()
