"""The commands: what they say, what they change, and their exit codes."""

import asyncio
import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from headrace.router.group import MessageFlag
from headrace.sasl.credentials import matches
from headrace.server.cli import main
from headrace.server.cli.main import Exit
from headrace.server.config import load
from headrace.server.data import open_storage
from headrace.storage.ports import Account, ArchiveFilter
from support.postgres import Postgres

CONFIG = """
iterations = 4096
[[listener]]
kind = "c2s"
address = "127.0.0.1"
port = 5222
[[host]]
name = "localhost"
"""


on_each_back_end = pytest.mark.parametrize("run", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def run(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADRACE_CONFIG", raising=False)
    on_postgres = getattr(request, "param", "sqlite") == "postgres"
    storage = request.getfixturevalue("postgres").toml() if on_postgres else ""
    (tmp_path / "headrace.toml").write_text(CONFIG + storage)

    def run(*args: str, input: str | None = None) -> Result:
        result = CliRunner().invoke(main, args, input=input)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def account(folder: Path, jid: str) -> Account | None:
    async def get() -> Account | None:
        storage = await open_storage(load(folder / "headrace.toml"))
        found = await storage.accounts.get(jid)
        await storage.close()
        return found

    return asyncio.run(get())


def has_password(folder: Path, jid: str, password: str) -> bool:
    found = account(folder, jid)
    return found is not None and matches(found.credentials.sha256, "sha256", password) \
        and matches(found.credentials.sha1, "sha1", password)


@on_each_back_end
def test_add_asks_twice_and_shows_nothing(run, tmp_path: Path) -> None:
    result = run("user", "add", "Romeo@LOCALHOST", input="secret word\nsecret word\n")
    assert result.exit_code == 0
    assert "secret" not in result.output
    assert has_password(tmp_path, "romeo@localhost", "secret word")


def test_add_from_standard_input(run, tmp_path: Path) -> None:
    assert run("user", "add", "romeo@localhost", "--stdin", input="a b \n").exit_code == 0
    assert has_password(tmp_path, "romeo@localhost", "a b ")


@on_each_back_end
def test_add_existing(run, tmp_path: Path) -> None:
    run("user", "add", "romeo@localhost", "--stdin", input="one\n")
    result = run("user", "add", "romeo@localhost", "--stdin", input="two\n")
    assert result.exit_code == Exit.FAILED
    assert "romeo@localhost exists already" in result.output
    assert has_password(tmp_path, "romeo@localhost", "one")


@pytest.mark.parametrize(("jid", "reason"), [
    ("romeo@example.org", "example.org is not served here: hosts are localhost"), ("localhost", "write user@host"),
    ("romeo@localhost/phone", "write user@host"), ("ro meo@localhost", "ro meo@localhost")])
def test_add_what_cannot_be_an_account(run, jid: str, reason: str) -> None:
    result = run("user", "add", jid, "--stdin", input="x\n")
    assert result.exit_code == Exit.FAILED
    assert reason in result.output


def test_empty_password(run) -> None:
    result = run("user", "add", "romeo@localhost", "--stdin", input="\n")
    assert result.exit_code == Exit.FAILED
    assert run("user", "list").output == ""


@on_each_back_end
def test_passwd(run, tmp_path: Path) -> None:
    run("user", "add", "romeo@localhost", "--stdin", input="one\n")
    assert run("user", "passwd", "romeo@localhost", "--stdin", input="two\n").exit_code == 0
    assert has_password(tmp_path, "romeo@localhost", "two")
    unknown = run("user", "passwd", "nobody@localhost", "--stdin", input="two\n")
    assert unknown.exit_code == Exit.FAILED
    assert "no account nobody@localhost" in unknown.output


@on_each_back_end
def test_delete(run, tmp_path: Path) -> None:
    run("user", "add", "romeo@localhost", "--stdin", input="one\n")
    assert run("user", "delete", "romeo@localhost", input="n\n").exit_code == 1
    assert account(tmp_path, "romeo@localhost") is not None
    assert run("user", "delete", "romeo@localhost", "--yes").exit_code == 0
    assert account(tmp_path, "romeo@localhost") is None
    assert run("user", "delete", "romeo@localhost", "--yes").exit_code == Exit.FAILED


@on_each_back_end
def test_archive_delete_and_prune(run, tmp_path: Path) -> None:
    async def archived(*ages: float) -> int:
        """Puts messages of these ages in days there; how many there are."""
        storage = await open_storage(load(tmp_path / "headrace.toml"))
        for age in ages:
            await storage.archive.add("x@far.example", "romeo@localhost", b"<message/>", MessageFlag.M_ARCHIVE_B,
                                      time.time() - age * 86_400)
        count = await storage.archive.count("romeo@localhost", ArchiveFilter())
        await storage.close()
        return count

    run("user", "add", "romeo@localhost", "--stdin", input="secret\n")
    assert asyncio.run(archived(9, 8, 6, 5)) == 4
    assert run("archive", "prune").output == "localhost: 2 messages deleted\n"
    assert run("archive", "prune", "localhost").output == "localhost: 0 messages deleted\n"
    assert run("archive", "prune", "elsewhere").exit_code == Exit.FAILED
    assert run("archive", "delete", "romeo@localhost", input="n\n").exit_code != 0
    assert asyncio.run(archived()) == 2
    assert run("archive", "delete", "Romeo@localhost", "--yes").output == "2 messages deleted\n"
    assert asyncio.run(archived()) == 0


@on_each_back_end
def test_import_and_list(run, tmp_path: Path) -> None:
    run("user", "add", "user3@localhost", "--stdin", input="kept\n")
    lines = [f"user{n}@localhost,password {n}" for n in range(30)] + ["", 'quoted@localhost,"a,""b"']
    (tmp_path / "users.csv").write_text("\n".join(lines))
    result = run("user", "import", "users.csv", "--config", "headrace.toml")
    assert result.exit_code == 0
    assert "30 created, 1 existed already" in result.output
    listed = run("user", "list").output.splitlines()
    assert len(listed) == 31
    assert listed == sorted(listed)
    assert run("user", "list", "example.org").output == ""
    assert has_password(tmp_path, "user7@localhost", "password 7")
    assert has_password(tmp_path, "user3@localhost", "kept")
    assert has_password(tmp_path, "quoted@localhost", 'a,"b')


def test_import_with_a_wrong_line_changes_nothing(run) -> None:
    lines = "good@localhost,x\n\nbad\nromeo@example.org,x\nempty@localhost,\n"
    result = run("user", "import", "-", input=lines)
    assert result.exit_code == Exit.FAILED
    for complaint in ("line 3: not `jid,password`", "line 4: example.org is not served", "line 5: "):
        assert complaint in result.output
    assert run("user", "list").output == ""


def test_config_check(run, tmp_path: Path) -> None:
    result = run("config", "check")
    assert result.exit_code == 0
    assert "c2s 127.0.0.1:5222 (starttls)" in result.output
    (tmp_path / "headrace.toml").write_text(CONFIG + "nam = 1")
    wrong = run("config", "check")
    assert wrong.exit_code == Exit.CONFIG
    assert "unknown key 'nam': did you mean 'name'?" in wrong.output


def test_config_check_without_a_file(run, tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").unlink()
    result = run("config", "check")
    assert result.exit_code == 0
    assert "built-in default: good" in result.output
    assert "c2s 127.0.0.1:5223 (direct)" in result.output


def test_config_check_tells_no_secret(run, tmp_path: Path) -> None:
    dsn = "postgresql://headrace:secret@db.example/headrace"
    (tmp_path / "headrace.toml").write_text(CONFIG + f"[storage]\nbackend = 'postgres'\ndsn = '{dsn}'")
    result = run("config", "check")
    assert result.exit_code == 0
    assert "storage   postgres" in result.output
    assert "secret" not in result.output


def test_config_check_reads_certificates(run, tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text(CONFIG + "certificate = 'x.crt'\nkey = 'x.key'")
    result = run("config", "check")
    assert result.exit_code == Exit.CERTIFICATE
    assert "x.crt: No such file" in result.output


def test_storage_that_cannot_be_used(run, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "headrace.db").write_bytes(b"no database" * 1000)
    result = run("user", "list")
    assert result.exit_code == Exit.STORAGE
    assert "headrace.db: file is not a database" in result.output


def test_postgres_that_is_not_there(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "headrace.toml").write_text(CONFIG + "[storage]\nbackend = 'postgres'")
    monkeypatch.setenv("HEADRACE_DSN", f"postgresql://romeo:secret@/headrace?host={tmp_path}")
    result = run("user", "list")
    assert result.exit_code == Exit.STORAGE
    assert result.output.startswith("headrace: PostgreSQL: ")
    assert "secret" not in result.output


def test_dsn_from_a_file(run, tmp_path: Path, postgres: Postgres) -> None:
    (tmp_path / "headrace.toml").write_text(CONFIG + "[storage]\nbackend = 'postgres'\ndsn_file = 'dsn'")
    missing = run("user", "list")
    assert (missing.exit_code, missing.output) == (
        Exit.STORAGE, f"headrace: {tmp_path}/dsn: No such file or directory\n")
    (tmp_path / "dsn").write_text(postgres.schema() + "\n")
    assert run("user", "add", "romeo@localhost", "--stdin", input="secret\n").exit_code == 0
    assert has_password(tmp_path, "romeo@localhost", "secret")


def test_help_names_every_command(run) -> None:
    groups = {
        "": {"serve", "user", "session", "config", "archive", "s2s", "bench"},
        "user": {"add", "passwd", "enable", "disable", "delete", "list", "import"},
        "session": {"list", "end"}, "config": {"check"}, "archive": {"delete", "prune"}, "s2s": {"list", "test"},
    }
    for group, commands in groups.items():
        _, _, shown = run(*filter(None, [group]), "--help").output.partition("\nCommands:\n")
        assert set(re.findall(r"^  (\w+) ", shown, re.MULTILINE)) == commands
