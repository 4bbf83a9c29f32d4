"""README's examples, as the tests run them."""

import re

from support.tree import ROOT

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def script(name: str) -> str:
    """The one that says how it is called."""
    found, = (code for code in blocks("python") if code.startswith(f'"""python {name}'))
    return found
