"""Why a run could not be done, in words for the person who asked for it."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `headrace bench`, beside 0 (a good run) and 2 (wrong usage)."""

    FAILED = 1          # it could not be done: no connection, a login refused
    FAULTY = 10         # stanzas were lost, repeated, reordered or changed
    GENERATOR = 11      # the generator was the bottleneck: the figures say nothing about the server
    NOT_OFFERED = 12    # the server does not offer what was to be measured


class BenchError(Exception):
    code = Exit.FAILED


class NotOffered(BenchError):
    """The server lacks a feature: not a fault of the run."""

    code = Exit.NOT_OFFERED
