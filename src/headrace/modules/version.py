"""Software Version. The operating system is told only if the operator wants it (XEP-0092 section 5)."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from headrace.core.ns import VERSION
from headrace.core.writer import escape
from headrace.modules.api import Effects, Module, Reply, Request, Target, Xep, iq


def installed() -> str:
    try:
        return version("headrace")
    except PackageNotFoundError:
        return "development"  # run from a source tree


class Version(Module):
    name = "version"
    xeps = (Xep(92, "1.1"),)
    features = (VERSION,)

    @dataclass(frozen=True, slots=True)
    class Options:
        os: bool = False

    options: Options

    @iq("get", VERSION, "query", Target.HOST)
    def version(self, request: Request) -> Effects:
        system = f"<os>{escape(platform.system())}</os>" if self.options.os else ""
        return Reply(f"<query xmlns='{VERSION}'><name>Headrace</name>"
                     f"<version>{escape(installed())}</version>{system}</query>".encode())
