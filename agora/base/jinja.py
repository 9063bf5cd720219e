"""The pages' template language: one Jinja2 environment with icons, links and avatars.

A variable that is missing is an error, not an empty place; everything is escaped unless it was made as markup here.
"""

import re
import secrets
import unicodedata
import zlib
from functools import lru_cache
from types import FunctionType
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.templatetags.static import static
from django.utils import timezone, translation
from django.utils.translation import gettext, ngettext, npgettext, pgettext
from jinja2 import Environment, StrictUndefined, nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context, Macro
from lucide.jinja import lucide
from markupsafe import Markup, escape

from agora.base import access, times

HUES = 8
CURSORS = ("after", "before")
_Kept = type(lru_cache(str))  # functions whose answers are kept: they depend on their arguments alone


@lru_cache(maxsize=1024)
def icon(name: str, cls: str = "") -> Markup:
    """An icon of the lucide set as inline SVG, hidden from screen readers. Raises IconDoesNotExist."""
    svg = lucide(name, size=None, **{"class": f"i {cls}".strip(), "aria-hidden": "true"})
    return Markup(re.sub(r"\s*\n\s*", "", svg))  # noqa: S704 - drawn by the package, nothing of a person's in it


class Slots:
    """``slot.name`` is a place for a value in a ``Pattern``: a number that stands nowhere else, so that it passes
    through ``url()``, ``_()`` and every macro. It never leaves the server.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.names: dict[str, str] = {}

    def __getattr__(self, name: str) -> int:
        number = self._numbers.setdefault(name, 10**18 + secrets.randbelow(8 * 10**18))  # 19 digits, a positive bigint
        self.names[str(number)] = name
        return number


slot = Slots()
_A_SLOT = re.compile(r"(\d{19})")
_SPECIAL = re.compile(r"[&<>\"']").search  # asking first takes a third of the time of escaping every word


def shown(value: object) -> str:
    """``escape`` for a page: most of what it shows is markup already, or a word in which nothing is to escape."""
    kind = type(value)
    if kind is Markup or (kind is str and not _SPECIAL(value)):  # type: ignore[call-overload]  # a str, as just asked
        return value  # type: ignore[return-value]
    return escape(value)


class PageGenerator(CodeGenerator):
    """Jinja's, whose templates escape by ``shown``."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write(f"environment.shown({finalize.src or ''}")


class Pattern:
    """A piece of a page that its rows repeat: drawn once with slots, then filled for each row by one ``join``.

    ``{% set line %}<tr id="row-{{ slot.pk }}">…{% endset %}{% set line = pattern(line) %}`` and then, in the loop,
    ``{{ line(pk=row.pk) }}``. Values are escaped unless they are markup.
    """

    def __init__(self, html: str) -> None:
        parts = _A_SLOT.split(str(html).replace("%", "%%"))
        self._format = "".join(f"%({slot.names[part]})s" if part in slot.names else part for part in parts)

    def __call__(self, **values: object) -> Markup:
        """Raises KeyError when a slot is left empty."""
        filled = self._format % {name: shown(value) for name, value in values.items()}
        return Markup(filled)  # noqa: S704 - drawn with escaping, filled with escaped values


class PageContext(Context):
    """Jinja's context, which asks of everything that a page calls whether it wants the context. Of what a page calls by
    the hundred it is known: macros want how to escape, patterns and icons nothing."""

    def call(self, called: Any, /, *args: Any, **kwargs: Any) -> Any:
        kind = type(called)
        if kind is Macro:
            args = (self.eval_ctx, *args)
        elif kind is FunctionType and called in _OURS:  # they read no variable of a loop
            args = (self, *args)
        elif kind not in (Pattern, _Kept):
            return super().call(called, *args, **kwargs)
        kwargs.pop("_block_vars", None)  # said to each call within a block or a loop
        kwargs.pop("_loop_vars", None)
        return called(*args, **kwargs)


@pass_context
def url_if_allowed(context: Context, name: str, *args: Any, **kwargs: Any) -> str:
    """The address of a view, or "" when this request's person may not call it."""
    return access.url_if_allowed(_request(context), name, *args, **kwargs)


@pass_context
def querystring(context: Context, **changes: Any) -> str:
    """This page's parameters with changes, as ``?a=1&b=2``; None removes one, a list sets several.

    The cursors ``after`` and ``before`` belong to one order and filter of a list: any other change drops them.
    """
    gone = {*changes, *CURSORS} if changes else ()
    kept = [(name, value) for name, values in _request(context).GET.lists() if name not in gone for value in values]
    for name, value in changes.items():
        if isinstance(value, (list, tuple)):
            kept += [(name, str(one)) for one in value]
        elif value is not None:
            kept.append((name, str(value)))
    return f"?{urlencode(kept)}"


def _request(context: Context) -> HttpRequest:
    request: HttpRequest | None = context.get("request")
    if request is None:
        raise RuntimeError("This macro needs the page's request. Import it 'with context'.")
    return request


@lru_cache(maxsize=4096)
def avatar_hue(text: str) -> int:
    """One of eight colours, always the same one for the same text."""
    return zlib.crc32(str(text).encode("utf-8", "replace")) % HUES + 1


@lru_cache(maxsize=4096)
def avatar(name: str, size: str = "") -> Markup:
    """The round picture of a person: letters on a colour; ``size`` is "", "sm" or "lg"."""
    html = Markup('<span class="avatar {}" data-hue="{}" aria-hidden="true">{}</span>')
    return html.format(size, avatar_hue(name), initials(name))


@lru_cache(maxsize=4096)
def initials(text: str) -> str:
    """One or two capital letters for a name or a username: "Miriam Keller" → MK, "a.nwosu" → AN."""
    name = unicodedata.normalize("NFC", str(text)).split("@")[0]
    words = re.findall(r"[^\W_]+", name)
    return "".join(word[0] for word in dict.fromkeys([words[0], words[-1]])).upper()[:2] if words else "?"


@pass_context
def translate(context: Context, message: str, **values: object) -> str:
    """``_("Lock %(name)s", name=…)`` of the templates; what is put in is escaped, but not in a plain mail."""
    language = _language(context)
    if not context.eval_ctx.autoescape:
        return str(_translated(language, message)) % values
    return _translated(language, message) % values if values else _without_values(language, message)


@pass_context
def translate_number(context: Context, one: str, many: str, num: int, **values: object) -> str:
    """``ngettext`` of the templates; the number is ``%(num)d``."""
    text = _translated_number(_language(context), one, many, num)
    return (text if context.eval_ctx.autoescape else str(text)) % {"num": num, **values}


def _language(context: Context) -> str | None:
    """The language in force; asked of Django once a request, for a page has a hundred texts and it asks the thread."""
    request = context.get("request")
    if request is None:
        return translation.get_language()
    kept: str | None = getattr(request, "language_of_page", None)
    if kept is None:
        kept = request.language_of_page = translation.get_language()
    return kept


@lru_cache(maxsize=4096)
def _translated(language: str | None, message: str) -> Markup:
    """Django looks a text up in three catalogues; a page has a hundred of them."""
    return Markup(gettext(message))  # noqa: S704 - a text of the program or of its translation


@lru_cache(maxsize=4096)
def _without_values(language: str | None, message: str) -> Markup:
    return _translated(language, message) % {}  # "100 %%"


@lru_cache(maxsize=4096)
def _translated_number(language: str | None, one: str, many: str, number: int) -> Markup:
    return Markup(ngettext(one, many, number))  # noqa: S704 - as above


_OURS = frozenset(
    {url_if_allowed, querystring, translate, translate_number}
)  # functions of a page that want its context


def text_direction() -> str:
    """For ``<html dir>``: "rtl" for languages written from right to left, else "ltr"."""
    return "rtl" if translation.get_language_bidi() else "ltr"


def environment(**options: Any) -> Environment:
    """For Django's Jinja2 backend (TEMPLATES, OPTIONS, environment)."""
    env = Environment(  # noqa: S701 - the backend passes autoescape=True; the next line makes sure of it
        **{**options, "autoescape": True, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True},
        extensions=["jinja2.ext.i18n"],
    )
    env.context_class, env.code_generator_class = PageContext, PageGenerator
    env.shown = shown  # type: ignore[attr-defined]
    env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext, ngettext, newstyle=True, pgettext=pgettext, npgettext=npgettext
    )
    # Ours take a third of the time of the extension's; its own still serve {% trans %}.
    env.globals.update(_=translate, gettext=translate, ngettext=translate_number)
    env.globals.update(
        avatar=avatar,
        icon=icon,
        language=translation.get_language,
        now=timezone.now,
        pattern=Pattern,
        querystring=querystring,
        slot=slot,
        static=static,
        text_direction=text_direction,
        time_zone=timezone.get_current_timezone_name,
        url=access.url,
        url_if_allowed=url_if_allowed,
    )
    env.filters.update(
        avatar_hue=avatar_hue,
        clock=times.clock,
        day=times.day,
        exact=times.exact,
        groupby_day=times.groupby_day,
        initials=initials,
        reltime=times.reltime,
    )
    return env
