"""What a login needs before a session is bound: the account's contacts, block list and archive preferences
in the router's tables."""

import asyncio

from headrace.modules.api import Context
from headrace.modules.contacts import bits, seers
from headrace.router.account import Subscription
from headrace.router.router import Router


class RosterLoader:
    """headrace.session.ports.AccountLoader, from what is stored."""

    def __init__(self, router: Router, context: Context) -> None:
        self._router = router
        self._context = context

    async def load(self, bare: str) -> None:
        """Raises StorageError."""
        # Under the account's lock: a change is either in what is read or follows in set_contact(), set_blocked().
        context = self._context
        async with context.locks.hold(bare):
            if self._router.loaded(bare):   # another session of it is here: they are kept as they have to be
                return
            known, own = context.blocklists.known(bare), context.archiving.known(bare)
            if known is not None and own is not None:
                items, blocked, archive = await context.storage.roster.load(bare), known, own
            else:   # all at once: the storage's thread is woken once
                items, blocked, archive = await asyncio.gather(
                    context.storage.roster.load(bare), context.blocklists.of(bare), context.archiving.of(bare))
            contacts = {item.jid: bits(item) for item in items if bits(item)}
            for component in seers(context, bare, items):
                contacts[component] = contacts.get(component, 0) | Subscription.SUB_FROM
            self._router.load(bare, contacts, blocked)
            await context.accounts.set_archive(bare, archive)
