"""Session establishment of RFC 3921 3: nothing to do since RFC 6121, but older clients wait for its result."""

from headrace.core.ns import SESSION
from headrace.modules.api import Effects, Module, Reply, Request, Target, iq
from headrace.stream import features


class Session(Module):
    name = "session"
    stream_features = (features.session(),)

    @iq("set", SESSION, "session", Target.HOST | Target.SELF)
    def session(self, request: Request) -> Effects:
        return Reply()
