"""What all negotiations of a server share."""

from collections.abc import Sequence
from dataclasses import dataclass

from headrace.session.binding import Binder
from headrace.session.exchanges import Authority
from headrace.session.fast import Fast
from headrace.session.inline import BindFeatures, LoginFeature
from headrace.session.logins import Logins
from headrace.session.ports import Homes, Log, Sessions, SignUp
from headrace.session.resumption import Resumption


@dataclass(frozen=True, slots=True)
class Services:
    authority: Authority
    binder: Binder
    sessions: Sessions
    logins: Logins
    log: Log
    bind_features: BindFeatures
    sign_up: SignUp
    fast: Fast
    resumption: Resumption
    login_features: Sequence[LoginFeature]  # in the order in which they run; `fast` among them
    homes: Homes | None = None  # None: every account's home is here
