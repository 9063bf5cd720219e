"""What templates may call: links, icons, avatars; and that a missing variable is an error."""

from typing import Any

import pytest
from django.template import engines
from django.test import RequestFactory
from django.utils.translation import gettext_lazy
from jinja2 import Environment, UndefinedError
from lucide import IconDoesNotExist
from markupsafe import Markup

from agora.base.jinja import avatar, avatar_hue, environment, icon, initials


def rendered(source: str, path: str = "/", **context: Any) -> str:
    return environment().from_string(source).render(request=RequestFactory().get(path), **context)


def test_a_missing_variable_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        rendered("{{ nobody }}")


def test_what_people_typed_is_escaped() -> None:
    assert rendered("{{ name }}", name="<script>") == "&lt;script&gt;"
    assert rendered("{{ _('Hello %(name)s', name=name) }}", name="<b>") == "Hello &lt;b&gt;"


def test_the_engine_of_the_pages_is_this_environment() -> None:
    assert engines["jinja2"].from_string("{{ 'a.nwosu'|initials }}").render() == "AN"


@pytest.mark.parametrize(
    ("path", "call", "answer"),
    [
        ("/?q=ada&role=viewer", "querystring(role='editor')", "?q=ada&role=editor"),
        ("/?q=ada&role=viewer", "querystring(role=none)", "?q=ada"),
        ("/?q=ada", "querystring(q=none)", "?"),
        ("/?event=a&event=b", "querystring(q='x')", "?event=a&event=b&q=x"),
        ("/?event=a", "querystring(event=['b', 'c'])", "?event=b&event=c"),
        ("/?q=ada&after=x", "querystring(order='-role')", "?q=ada&order=-role"),
        ("/?q=ada&before=x", "querystring(after='y', before=none)", "?q=ada&after=y"),
        ("/?q=ada&after=x", "querystring()", "?q=ada&after=x"),
        ("/?q=a%26b%3Dc", "querystring(n=2)", "?q=a%26b%3Dc&n=2"),
    ],
)
def test_querystring_changes_only_what_is_named_and_leaves_the_cursor_behind(path: str, call: str, answer: str) -> None:
    assert rendered("{{ " + call + "|safe }}", path) == answer


def test_querystring_without_the_request_says_how_to_import() -> None:
    with pytest.raises(RuntimeError, match="with context"):
        environment().from_string("{{ querystring(a=1) }}").render()


def test_an_icon_is_one_line_of_svg_hidden_from_screen_readers() -> None:
    svg = icon("lock", "end")
    assert svg.startswith("<svg")
    assert "\n" not in svg
    assert 'class="i end"' in svg
    assert 'aria-hidden="true"' in svg
    assert "style=" not in svg


def test_an_unknown_icon_is_an_error() -> None:
    with pytest.raises(IconDoesNotExist):
        icon("no-such-icon")


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Miriam Keller", "MK"),
        ("a.nwosu", "AN"),
        ("OR 3 ingest service", "OS"),
        ("root", "R"),
        ("kelm@clinic.example", "K"),
        ("  ", "?"),
        ("–", "?"),
        ("e\u0301mile zola", "ÉZ"),
        ("ßeta", "SS"),
        ("שלום עולם", "שע"),
        ("<b>", "B"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_the_same_name_always_has_the_same_one_of_eight_colours() -> None:
    hues = {name: avatar_hue(name) for name in (f"account {n}" for n in range(200))}
    assert set(hues.values()) == set(range(1, 9))
    assert avatar_hue("Miriam Keller") == 1  # CRC-32 modulo 8: the same in every process and on every machine


LINE = """{% set line %}<a href="{{ url('accounts:card', slot.pk) }}" title="{{ _('Open %(name)s', name=slot.name) }}">\
{{ slot.name }}{{ slot.badge }}</a>{% endset %}{% set line = pattern(line) %}"""


def test_a_pattern_is_drawn_once_and_filled_for_each_row() -> None:
    loop = "{% for pk, name in rows %}{{ line(pk=pk, name=name, badge='') }}{% endfor %}"
    rows = [(7, "ada"), (12, "<b>")]
    assert rendered(LINE + loop, rows=rows) == (
        '<a href="/accounts/7/" title="Open ada">ada</a><a href="/accounts/12/" title="Open &lt;b&gt;">&lt;b&gt;</a>'
    )


def test_a_pattern_takes_markup_as_it_is_and_other_values_as_text() -> None:
    source = LINE + "{% set badge %}<i>!</i>{% endset %}{{ line(pk=1, name=none, badge=badge) }}"
    assert rendered(source).endswith(">None<i>!</i></a>")


def test_an_empty_slot_of_a_pattern_is_an_error() -> None:
    with pytest.raises(KeyError, match="badge"):
        rendered(LINE + "{{ line(pk=1, name='ada') }}")


def test_text_that_looks_like_another_slot_is_not_filled() -> None:
    shown = rendered("{% set line %}{{ slot.a }}|{{ slot.b }}{% endset %}{{ pattern(line)(a=text, b='x') }}", text="b")
    assert shown == "b|x"


def test_an_avatar_has_the_letters_and_colour_of_its_name() -> None:
    assert avatar("Miriam Keller", "sm") == (
        f'<span class="avatar sm" data-hue="{avatar_hue("Miriam Keller")}" aria-hidden="true">MK</span>'
    )


def test_a_plain_text_is_not_escaped() -> None:
    words = "{{ _('By %(name)s', name='<b>') }} {{ ngettext('%(num)d of %(name)s', '', 1, name='&') }}"
    assert rendered("{% autoescape false %}" + words + "{% endautoescape %}") == "By <b> 1 of &"


@pytest.mark.parametrize(
    "source",
    [
        "{{ value }}",
        "{% set kept %}{{ value }}{% endset %}{{ kept }}",
        "{% macro told(x) %}{{ x }}{% endmacro %}{{ told(value) }}",
        "{% for one in [value] %}{{ one }}{% endfor %}",
        "{{ value ~ '' }}",
    ],
)
def test_what_is_escaped_is_what_jinja_escapes(source: str) -> None:
    plain = Environment(autoescape=True)
    for value in ("<b>&'\"", Markup("<b>"), "word", "", 7, None, True, gettext_lazy("<i>"), ["<"], StrictHtml()):
        assert rendered(source, value=value) == plain.from_string(source).render(value=value)


class StrictHtml:
    """What says itself how it looks as markup."""

    def __html__(self) -> str:
        return "<hr>"
