"""Who logs in: accounts by a pattern or from a CSV file."""

import csv
from dataclasses import dataclass
from pathlib import Path

from headrace.bench.errors import BenchError


@dataclass(frozen=True, slots=True)
class Account:
    name: str           # of the account, without the domain
    password: str


def by_pattern(count: int, user: str, password: str) -> list[Account]:
    """`{}` in either stands for the number of the account."""
    if count > 1 and "{}" not in user:
        raise BenchError(f"--user {user}: {count} accounts need a pattern with {{}}, such as u{{}}")
    return [Account(user.replace("{}", str(i)), password.replace("{}", str(i))) for i in range(count)]


def from_csv(path: Path, count: int, domain: str) -> list[Account]:
    """The first accounts of a file of `user,password` or `user@domain,password` lines."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"{path}: {error}") from None
    accounts = []
    for number, row in enumerate(rows, 1):
        name, at, host = row[0].strip().partition("@")
        if len(row) != 2 or not name or (at and host != domain):
            raise BenchError(f"{path}, account {number}: not `user,password` of {domain}")
        accounts.append(Account(name, row[1]))
    if len(accounts) < count:
        raise BenchError(f"{path} has {len(accounts)} accounts, {count} are needed")
    return accounts[:count]
