"""What can be measured: one scenario a file, each of which says all of itself."""

from headrace.bench.scenarios.api import Scenario
from headrace.bench.scenarios.chat import Chat
from headrace.bench.scenarios.day import Day
from headrace.bench.scenarios.idle import Idle
from headrace.bench.scenarios.login import LoginStorm
from headrace.bench.scenarios.mam import Mam
from headrace.bench.scenarios.muc import Muc
from headrace.bench.scenarios.ping import Ping
from headrace.bench.scenarios.presence import PresenceBroadcast
from headrace.bench.scenarios.reconnect import Reconnect


def scenarios() -> tuple[Scenario, ...]:
    return (Chat(), Day(), Idle(), LoginStorm(), Mam(), Muc(), Ping(), PresenceBroadcast(), Reconnect())
