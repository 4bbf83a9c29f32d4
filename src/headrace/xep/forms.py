"""XEP-0004 (version 2.13.2): data forms, written for others and read from them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple
from xml.etree.ElementTree import Element

from headrace.core.errors import JIDError
from headrace.core.jid import JID
from headrace.core.ns import DATA_FORMS
from headrace.core.writer import escape

FIELD, VALUE = f"{{{DATA_FORMS}}}field", f"{{{DATA_FORMS}}}value"

FieldType = Literal["boolean", "jid-multi", "jid-single", "list-multi", "list-single", "text-multi", "text-private",
                    "text-single"]
Values = Mapping[str, tuple[str, ...]]
BOOLEANS = {"0": "false", "1": "true", "false": "false", "true": "true"}


class Field(NamedTuple):
    var: str
    type: FieldType = "text-single"
    label: str | None = None
    required: bool = False
    values: tuple[str, ...] = ()
    options: tuple[str, ...] = ()  # what a list offers


class Invalid(ValueError):
    """A submitted form that doesn't fit; the text says why."""


def form(type: Literal["form", "result", "submit"], form_type: str, fields: Iterable[Field], *,
         title: str | None = None, instructions: str | None = None) -> bytes:
    """An <x/> with a FORM_TYPE (XEP-0068); only what asks names types and options."""
    head = "".join(f"<{name}>{escape(text)}</{name}>"
                   for name, text in (("title", title), ("instructions", instructions)) if text)
    hidden = f"<field var='FORM_TYPE' type='hidden'><value>{escape(form_type)}</value></field>"
    inside = "".join(_field(field, asks=type == "form") for field in fields)
    return f"<x xmlns='{DATA_FORMS}' type='{type}'>{head}{hidden}{inside}</x>".encode()


def _field(field: Field, *, asks: bool) -> str:
    kind = f" type='{field.type}'" if asks else ""
    label = f" label='{escape(field.label)}'" if field.label else ""
    required = "<required/>" if asks and field.required else ""
    values = "".join(f"<value>{escape(value)}</value>" for value in field.values)
    options = "".join(f"<option><value>{escape(option)}</value></option>" for option in field.options if asks)
    return f"<field var='{escape(field.var)}'{kind}{label}>{required}{values}{options}</field>"


def submitted(x: Element, form_type: str, fields: Sequence[Field]) -> Values:
    """What was filled in, by `var`: JIDs prepared and each once, booleans as "true" or "false"; nothing for a field
    that was left out or left empty, nor for one that the form doesn't have. Raises Invalid."""
    given = {field.get("var", ""): tuple(value.text or "" for value in field if value.tag == VALUE)
             for field in x if field.tag == FIELD}
    if given.get("FORM_TYPE", (form_type,)) != (form_type,):
        raise Invalid(f"this is not a form of the type {form_type}")
    read = {field.var: _read(field, given.get(field.var, ())) for field in fields}
    return {var: values for var, values in read.items() if values}


def _read(field: Field, given: tuple[str, ...]) -> tuple[str, ...]:
    name = field.label or field.var
    values = tuple(value for value in given if value)
    if field.required and not values:
        raise Invalid(f"{name}: needed")
    if len(values) > 1 and not field.type.endswith("-multi"):
        raise Invalid(f"{name}: one value only")
    try:
        if field.type in ("jid-single", "jid-multi"):
            return tuple(dict.fromkeys(JID.parse(value).full for value in values))
        if field.type == "boolean":
            return tuple(BOOLEANS[value] for value in values)
    except (JIDError, KeyError) as error:
        raise Invalid(f"{name}: {error}") from None
    if field.options and not set(values) <= set(field.options):
        raise Invalid(f"{name}: choose of what is offered")
    return given if field.type == "text-multi" and values else values
