"""Inline features of a bind request (XEP-0386): found among the modules, carried out for a session just bound."""

from collections.abc import Callable, Sequence
from inspect import getmembers, ismethod
from xml.etree.ElementTree import Element

from headrace.modules.api import Bound, Effects, Inline, Module
from headrace.modules.loader import Log, hooks
from headrace.router.session import Session
from headrace.storage.ports import StorageError

Handler = Callable[[Inline], Effects]


class InlineBind:
    """headrace.session.inline.BindFeatures, made of modules."""

    def __init__(self, modules: Sequence[Module], carry_out: Callable[[Session, Effects], None], log: Log) -> None:
        """carry_out: of all effects but Bound (headrace.modules.loader.Dispatcher's). Raises ValueError where two
        modules want the same."""
        self._handlers: dict[str, Handler] = {}
        self._carry_out = carry_out
        self._log = log
        self._first = hooks(modules, "bound")
        features: list[str] = []
        for module in modules:
            for _, function in getmembers(module, ismethod):
                for mark in getattr(function, "inline_handlers", ()):
                    tag = f"{{{mark.namespace}}}{mark.name}"
                    if tag in self._handlers:
                        raise ValueError(f"two modules handle {tag} inline")
                    self._handlers[tag] = function
                    features.append(mark.feature)
        self.inline = tuple(dict.fromkeys(features))

    async def before(self, account: str) -> bytes:
        """What fails costs its own answer, not the login."""
        said = []
        for hook in self._first:
            try:
                said.append(await hook(account))
            except StorageError:    # which tells the operator by itself, once
                pass
            except Exception as error:
                self._log.exception("inline feature failed", exc_info=error, feature="bound")
        return b"".join(said)

    def bound(self, session: Session, request: Element) -> bytes:
        """What is not known is passed over; what fails costs its own answer, not the login."""
        handler = self._handlers.get(request.tag)
        if handler is None:
            return b""
        try:
            outcome = handler(Inline(session.jid, request))
            effects = outcome if isinstance(outcome, Sequence) else (outcome,)
            self._carry_out(session, [e for e in effects if e is not None and not isinstance(e, Bound)])
        except Exception as error:
            self._log.exception("inline feature failed", exc_info=error, feature=request.tag)
            return b""
        return b"".join(e.payload for e in effects if isinstance(e, Bound))
