"""What a run is asked to do: the command's options, checked."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from headrace.bench.errors import BenchError

Tls = Literal["no", "starttls", "direct"]
MECHANISMS = ("auto", "PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")
SWITCHES = ("sm", "carbons", "csi", "archive")


@dataclass(frozen=True, slots=True)
class Options:
    # the server
    host: str = "127.0.0.1"
    port: int = 0                   # 0: 5222, or 5223 for direct TLS
    domain: str = "localhost"
    tls: Tls = "no"
    ca_file: Path | None = None     # authorities that the certificate is verified by; None: it is not
    pid: int | None = None          # of its first process: CPU and memory
    # who logs in, and how
    users: int = 100
    user: str = "u{}"
    password: str = "secret"
    csv: Path | None = None
    register: bool = False
    mechanism: str = "auto"
    sasl2: bool = False
    fast: bool = False
    at_once: int = 32               # logins under way
    # switches
    sm: bool = False
    carbons: bool = False
    csi: bool = False
    archive: bool = False
    # load
    window: int = 8                 # stanzas under way of each sender (closed loop)
    rate: float = 0.0               # stanzas a second, all senders together (open loop); 0: closed loop
    body: int = 100                 # bytes
    warm_up: float = 3.0            # s
    duration: float = 10.0          # s
    patience: float = 30.0          # s that a single step, a login for instance, may take
    # of single scenarios
    bare: bool = False              # chat: to bare JIDs
    devices: int = 1                # chat: connections of each user
    page: int = 50                  # mam: messages of a page
    service: str = ""               # muc: address of the room service; "": asked of the server
    senders: int = 1                # muc, presence: users who send
    profile: str = "rtb"            # day
    speed: float = 1.0              # day: how much faster than life

    def __post_init__(self) -> None:
        for name, least in (("users", 1), ("at_once", 1), ("window", 1), ("body", 22), ("devices", 1), ("page", 1),
                            ("senders", 1)):
            if getattr(self, name) < least:
                raise BenchError(f"--{name.replace('_', '-')} has to be at least {least}")
        if self.duration <= 0 or self.warm_up < 0 or self.rate < 0 or self.speed <= 0:
            raise BenchError("durations, rate and speed are positive numbers")
        if self.fast and not self.sasl2:
            raise BenchError("--fast needs --sasl2")

    @property
    def where(self) -> int:
        return self.port or (5223 if self.tls == "direct" else 5222)

    def told(self) -> dict[str, Any]:
        """For the result: no password in it."""
        values = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}
        return {name: value for name, value in values.items() if name != "password" and value is not None}
