"""Fields as people and screen readers meet them."""

from typing import Any

import pytest
from django import forms
from lxml import html

from agora.base.filters import _Shared
from agora.base.forms import RadioCards, Switch


class Letter(forms.Form):
    sender = forms.CharField(label="Sender", help_text="Your <name>.", widget=forms.TextInput({"autofocus": True}))
    password = forms.CharField(label="Password", widget=forms.PasswordInput)
    kind = forms.ChoiceField(
        label="Kind",
        choices=[("near", "Near"), ("far", "Far")],
        widget=RadioCards(descriptions={"far": "By train & ship."}),
    )
    urgent = forms.BooleanField(label="Urgent", required=False, widget=Switch)
    remark = forms.CharField(label="Remark", required=False, widget=forms.Textarea({"class": "wide"}))

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("sender") == "nobody":
            raise forms.ValidationError("Letters need a sender.")
        return self.cleaned_data


def page(data: dict[str, str] | None = None) -> Any:
    return html.fromstring(f"<div>{Letter(data)}</div>")


def control(tree: Any, name: str) -> Any:
    return tree.xpath(f"//*[@name='{name}']")[0]


def test_every_field_has_its_label() -> None:
    tree = page()
    for name in ("sender", "password", "urgent", "remark"):
        assert tree.xpath(f"//label[@for='{control(tree, name).get('id')}']")
    assert tree.xpath("normalize-space(//fieldset/legend)") == "Kind"


def test_help_and_error_belong_to_the_field() -> None:
    sender = control(tree := page({"sender": ""}), "sender")
    assert sender.get("aria-invalid") == "true"
    help_text, error = (tree.get_element_by_id(one).text_content() for one in sender.get("aria-describedby").split())
    assert help_text == "Your <name>."
    assert error.strip() == "This field is required."


@pytest.mark.parametrize(
    ("data", "focused"),
    [
        (None, ["sender"]),
        ({"sender": "ada", "kind": "far"}, ["password"]),
        ({"sender": "", "kind": "far"}, ["sender"]),
        ({"sender": "ada", "password": "x", "kind": "near"}, ["sender"]),
    ],
)
def test_the_focus_starts_on_the_first_field_with_an_error(data: dict[str, str] | None, focused: list[str]) -> None:
    assert [one.get("name") for one in page(data).xpath("//*[@autofocus]")] == focused


def test_an_error_of_the_whole_form_takes_the_focus_when_no_field_has_one() -> None:
    tree = page({"sender": "nobody", "password": "x", "kind": "far"})
    (focused,) = tree.xpath("//*[@autofocus]")
    assert focused.get("role") == "alert"
    assert "Letters need a sender." in focused.text_content()


def test_a_typed_password_is_never_sent_back() -> None:
    tree = page({"sender": "", "password": "open sesame"})
    assert "open sesame" not in html.tostring(tree).decode()


def test_choices_as_cards_carry_their_sentences() -> None:
    tree = page({"sender": "ada", "password": "x", "kind": "far"})
    assert tree.xpath("string(//input[@value='far']/..//small)") == "By train & ship."
    assert tree.xpath("//input[@value='far']/@checked")


def test_classes_of_the_form_stay_beside_ours() -> None:
    assert control(page(), "remark").get("class") == "input area wide"


def test_a_filter_form_shares_its_fields_and_not_its_values() -> None:
    class Words(forms.Form):
        word = forms.CharField()

    Words.base_fields = _Shared(Words.base_fields)
    one, other = Words({"word": "a"}), Words({"word": "b"})
    assert one.fields["word"] is other.fields["word"]
    assert one.is_valid() and other.is_valid()
    assert (one.cleaned_data, other.cleaned_data) == ({"word": "a"}, {"word": "b"})
    del one.fields["word"]
    assert "word" in other.fields
    assert "word" in Words().fields
