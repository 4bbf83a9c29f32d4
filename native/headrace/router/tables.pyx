"""The tables that the control plane programs: hosts and the accounts that are in memory."""
from headrace.core.buf cimport Str, str_bytes, str_of
from headrace.core.jid cimport JidParts, jid_split
from headrace.router.account cimport archives
from headrace.router.parcel cimport equal


cdef class Tables(Exchange):
    @property
    def hosts(self):
        return frozenset(domain.decode() for domain in self.domains)

    def add_host(self, str domain not None):
        if domain.encode() not in self.domains:
            self.domains.append(domain.encode())

    def watch(self, str domain not None):
        if self.watched is None:
            self.watched = set()
        self.watched.add(domain.encode())

    cdef bint is_watched(self, const Parcel* parcel) except -1:
        cdef JidParts sender
        if self.watched is None or str_bytes(parcel.to.domain) not in self.watched:
            return False
        jid_split(parcel.head.from_, &sender)
        return not self.is_host(sender.domain)

    cdef bint is_host(self, Str domain) noexcept:
        cdef bytes host
        for host in self.domains:
            if equal(domain, str_of(host)):
                return True
        return False

    cdef Account account_of(self, str bare):
        cdef bytes jid = bare.encode()  # must live as long as the look at it
        return self.accounts.find(str_of(jid))

    def load(self, str bare not None, contacts, blocked=()):
        if self.account_of(bare) is None:
            self.accounts.add(Account(bare.encode(), {jid.encode(): bits for jid, bits in contacts.items()},
                                      {jid.encode() for jid in blocked}))

    def loaded(self, str bare not None):
        return self.account_of(bare) is not None

    def acknowledged(self):
        cdef Account account
        cdef dict marks = {}
        for account in self.moved:
            account.moved = False
            marks[account.jid.decode()] = account.reached
        self.moved = []
        return marks

    def apart(self, str bare not None):
        cdef Account account = self.account_of(bare)
        return set() if account is None or account.apart is None else set(account.apart)

    def catching_up(self, str bare not None):
        cdef Account account = self.account_of(bare)
        return account is not None and account.catching_up > 0

    def reached(self, str bare not None):
        cdef Account account = self.account_of(bare)
        return 0 if account is None else account.reached

    def release(self, str bare not None):
        cdef Account account = self.account_of(bare)
        if account is not None and not account.sessions:
            self.accounts.remove(account)

    def contact(self, str bare not None, str contact not None):
        cdef Account account = self.account_of(bare)
        return 0 if account is None else account.bits(contact.encode())

    def set_contact(self, str bare not None, str contact not None, int bits):
        cdef Account account = self.account_of(bare)
        if account is None:
            return
        if bits:
            account.contacts[contact.encode()] = bits
        else:
            account.contacts.pop(contact.encode(), None)

    def set_archive(self, str bare not None, int mode, always=(), never=()):
        cdef Account account = self.account_of(bare)
        if account is not None:
            account.archive_mode = mode
            account.archive_always = {jid.encode() for jid in always} or None
            account.archive_never = {jid.encode() for jid in never} or None

    def archives(self, str bare not None, str peer not None):
        cdef Account account = self.account_of(bare)
        cdef bytes jid = peer.encode()
        return account is not None and archives(account, str_of(jid))
