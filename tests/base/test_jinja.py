"""What templates may call: links, icons, avatars; and that a missing variable is an error."""

from typing import Any

import pytest
from django.template import engines
from django.test import RequestFactory
from jinja2 import UndefinedError
from lucide import IconDoesNotExist

from agora.base.jinja import avatar_hue, environment, icon, initials


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
