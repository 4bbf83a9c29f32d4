"""Accounts by pattern and from files; options that contradict each other."""

from pathlib import Path

import pytest

from headrace.bench.errors import BenchError
from headrace.bench.options import Options
from headrace.bench.users import Account, by_pattern, from_csv


def test_pattern() -> None:
    assert by_pattern(2, "user{}", "p{}w") == [Account("user0", "p0w"), Account("user1", "p1w")]
    assert by_pattern(1, "romeo", "secret") == [Account("romeo", "secret")]
    with pytest.raises(BenchError, match="need a pattern"):
        by_pattern(2, "romeo", "secret")


def test_csv(tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text('# who\nromeo,"with, comma"\njuliet@localhost,secret\n\nspare,x\n')
    assert from_csv(file, 2, "localhost") == [Account("romeo", "with, comma"), Account("juliet", "secret")]


@pytest.mark.parametrize(("text", "words"), [
    ("romeo,secret\n", "has 1 accounts, 2 are needed"),
    ("romeo,secret\njuliet@elsewhere,secret\n", "account 2: not"),
    ("romeo,secret\njuliet\n", "account 2: not"),
    ("romeo,secret\n,secret\n", "account 2: not"),
])
def test_csv_that_does_not_fit(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "users.csv"
    file.write_text(text)
    with pytest.raises(BenchError, match=words):
        from_csv(file, 2, "localhost")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="No such file"):
        from_csv(tmp_path / "absent.csv", 1, "localhost")


@pytest.mark.parametrize(("values", "words"), [
    ({"users": 0}, "--users has to be at least 1"),
    ({"body": 10}, "--body has to be at least 22"),
    ({"at_once": 0}, "--at-once"),
    ({"duration": 0}, "positive"),
    ({"fast": True}, "--fast needs --sasl2"),
])
def test_options_that_make_no_sense(values: dict[str, int], words: str) -> None:
    with pytest.raises(BenchError, match=words):
        Options(**values)      # type: ignore[arg-type]


def test_no_password_is_told() -> None:
    told = Options(password="hunter2", sm=True).told()
    assert "hunter2" not in str(told)
    assert told["sm"] is True
