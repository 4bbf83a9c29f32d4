"""The modules that a server loads, in the order in which their hooks are asked."""

from headrace.modules.admin import Admin
from headrace.modules.anonymous import Anonymous
from headrace.modules.api import Module
from headrace.modules.archive import Archive
from headrace.modules.blocking import Blocking
from headrace.modules.bytestreams import Bytestreams
from headrace.modules.carbons import Carbons
from headrace.modules.commands import Commands
from headrace.modules.csi import ClientState
from headrace.modules.delegation import NamespaceDelegation
from headrace.modules.disco import Disco
from headrace.modules.last import Last
from headrace.modules.management import StreamManagement
from headrace.modules.offline import Offline
from headrace.modules.ping import Ping
from headrace.modules.presence import Presence
from headrace.modules.private import Private
from headrace.modules.privileges import Privileges
from headrace.modules.push import Push
from headrace.modules.register import Register
from headrace.modules.roster import Roster
from headrace.modules.serverinfo import ServerInfo
from headrace.modules.session import Session
from headrace.modules.signup import SignUp
from headrace.modules.subscriptions import Subscriptions
from headrace.modules.time import Time
from headrace.modules.vcard import VCard
from headrace.modules.version import Version
from headrace.modules.watched import ContactPresence

MODULES: tuple[type[Module], ...] = (
    Disco, Session, StreamManagement, Ping, Version, Time, Last, Blocking, Roster, Anonymous, Subscriptions, Presence,
    Archive, Offline, Private, Carbons, ClientState, Push, VCard, Register, SignUp, ServerInfo, Commands, Admin,
    Bytestreams, Privileges, ContactPresence, NamespaceDelegation,
)
