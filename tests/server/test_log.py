"""What the log looks like, and what it never shows."""

import io
import json
import re

import pytest

from headrace.server.config import LogConfig
from headrace.server.log import configure


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_for_people() -> None:
    out = io.StringIO()
    configure(LogConfig(), out).info("logged in", mechanism="PLAIN", account="romeo@example.org", tls=False, why=None)
    assert re.fullmatch(r"\d\d:\d\d:\d\d \[info     \] logged in {22}account=romeo@example.org mechanism=PLAIN"
                        r" tls=False why=None\n", out.getvalue())


@pytest.mark.parametrize("value", ["a\nb", "a b", "", "it's", '"', "\x1b[31m", "\u2028"])
def test_nobody_writes_a_line_of_his_own(value: str) -> None:
    out = io.StringIO()
    configure(LogConfig(), out).warning("login failed", account=value)
    assert out.getvalue().endswith(f"account={value!r}\n")
    assert len(out.getvalue().splitlines()) == 1


def test_a_line_for_machines() -> None:
    out = io.StringIO()
    configure(LogConfig(format="json"), out).warning("login failed", account="x\ny", error=ValueError("z"))
    found = json.loads(out.getvalue())
    assert found.pop("timestamp").endswith("Z")
    assert found == {"event": "login failed", "level": "warning", "account": "x\ny", "error": "ValueError('z')"}


@pytest.mark.parametrize("settings", [LogConfig(), LogConfig(format="json")])
@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_tracebacks_show_no_variables(settings: LogConfig, kind: type[io.StringIO]) -> None:
    out = kind()
    password = "open sesame"
    try:
        raise ValueError(len(password))
    except ValueError as error:
        configure(settings, out).exception("handler failed", exc_info=error)
    assert "ValueError: 11" in out.getvalue()
    assert "raise ValueError(len(password))" in out.getvalue() or settings.format == "json"
    assert password not in out.getvalue()


def test_levels() -> None:
    out = io.StringIO()
    log = configure(LogConfig(level="warning"), out)
    log.info("logged in")
    assert out.getvalue() == ""
