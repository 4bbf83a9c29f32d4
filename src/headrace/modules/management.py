"""Stream management (XEP-0198), where it begins: <enable/>.

All that follows is the data plane's; how a stream is resumed, headrace.session.resumption says."""

from dataclasses import dataclass
from secrets import token_bytes

from headrace.core import ns
from headrace.modules.api import Bound, Effects, Inline, Manage, Module, Nonza, Say, Xep, inline, nonza
from headrace.xep.management import FEATURE, enable, enabled


class StreamManagement(Module):
    name = "stream_management"
    xeps = (Xep(198, "1.6.3"),)
    stream_features = (FEATURE,)

    @dataclass(frozen=True, slots=True)
    class Options:
        resume_seconds: int = 600  # a lost session waits so long for its client: a tunnel, a lift; 0: not at all

    options: Options

    @nonza(ns.SM, "enable")
    def enable(self, request: Nonza) -> Effects:
        manage, answer = self._begin(request)
        return manage, Say(answer)

    @inline(ns.SM, "enable")
    def enable_inline(self, request: Inline) -> Effects:
        manage, answer = self._begin(request)
        return manage, Bound(answer)

    def _begin(self, request: Nonza | Inline) -> tuple[Manage, bytes]:
        wish = enable(request.element)
        longest = self.options.resume_seconds
        seconds = min(longest, wish.max or longest) if wish.resume else 0
        id = token_bytes(16)
        return Manage(id, seconds), enabled(id, seconds)
