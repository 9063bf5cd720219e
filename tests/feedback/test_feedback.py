"""Writing to the administrators, and their list."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from lxml import html

from accounts.models import Account
from audit.models import Entry
from feedback.models import Feedback
from feedback.services import MOST, WITHIN, send_feedback, set_handled
from settings_admin.models import ServerSettings
from tests.conftest import Mailbox, Make

NEW, LIST = "/feedback/new/", "/settings/feedback/"
MESSAGE = {"text": "The clock on the wall is five minutes late.", "may_answer": "on", "page": "/profile/?tab=2"}


def button(client: Client) -> list[str]:
    return [
        str(one) for one in html.fromstring(client.get("/profile/").content).xpath("//a[@title='Send feedback']/@href")
    ]


def text_of(content: bytes) -> str:
    return " ".join(html.fromstring(content).text_content().split())


def write(make: Make, account: Account, text: str = "Hello", **how: Any) -> Feedback:
    return send_feedback(account, text, **{"may_answer": False, "page": "/", "actor": make.actor(account)} | how)


def test_everybody_signed_in_has_the_button_and_it_knows_the_page(make: Make, nell: Account) -> None:
    client = make.client(nell)
    assert button(client) == ["/feedback/new/?page=/profile/&next=/profile/"]
    form = html.fromstring(client.get(button(client)[0]).content).xpath("//main//form[@method='post']")[0]
    assert (form.fields["page"], form.fields["next"]) == ("/profile/", "/profile/")
    assert Client().get(NEW).status_code == 302


def test_a_message_is_kept_with_its_writer_and_page_and_leads_back(make: Make, nell: Account) -> None:
    answer = make.client(nell).post(NEW, MESSAGE | {"next": "/profile/"})
    assert (answer.status_code, answer["Location"]) == (302, "/profile/")
    letter = Feedback.objects.get()
    assert (letter.text, letter.may_answer, letter.page) == (MESSAGE["text"], True, "/profile/")
    assert (letter.account, letter.account_name, letter.handled_at) == (nell, "nell", None)
    entry = Entry.objects.get(event="feedback.sent")
    assert (entry.actor_name, entry.target_name) == ("nell", str(letter))
    assert "clock" not in str(entry.details)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"text": " \n "}, "This field is required."), ({"text": "a" * 4001}, "at most 4000 characters")],
)
def test_what_is_refused(make: Make, nell: Account, changes: dict[str, str], sentence: str) -> None:
    answer = make.client(nell).post(NEW, MESSAGE | changes)
    assert answer.status_code == 422 and sentence in text_of(answer.content)
    assert not Feedback.objects.exists()


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_a_page_elsewhere_is_left_out(make: Make, nell: Account, page: str) -> None:
    make.client(nell).post(NEW, MESSAGE | {"page": page})
    assert Feedback.objects.get().page == ""


def test_switched_off_there_is_no_button_and_no_page(make: Make, nell: Account, ada: Account) -> None:
    ServerSettings.objects.update(allow_feedback=False)
    client = make.client(nell)
    assert button(client) == []
    assert client.get(NEW).status_code == client.post(NEW, MESSAGE).status_code == 404
    assert not Feedback.objects.exists()
    assert "feedback is switched off" in text_of(make.client(ada).get(LIST).content)


def test_the_sixth_message_within_the_hour_waits(make: Make, nell: Account, vic: Account) -> None:
    client = make.client(nell)
    for _number in range(MOST):
        assert client.post(NEW, MESSAGE).status_code == 302
    answer = client.post(NEW, MESSAGE)
    assert answer.status_code == 429 and "send the next one later" in text_of(answer.content)
    kept = html.fromstring(answer.content).xpath("//main//form[@method='post']")[0].fields
    assert (kept["text"].strip(), kept["may_answer"], kept["page"]) == (MESSAGE["text"], "on", MESSAGE["page"])
    assert make.client(vic).post(NEW, MESSAGE).status_code == 302
    assert Entry.objects.filter(event="feedback.sent", outcome="denied", actor_name="nell").count() == 1
    Feedback.objects.filter(account=nell).update(at=timezone.now() - WITHIN - timedelta(seconds=1))
    assert client.post(NEW, MESSAGE).status_code == 302


def test_administrators_tick_messages_off_and_put_them_back(
    make: Make, ada: Account, root: Account, nell: Account
) -> None:
    nell.email = "nell@example.com"
    nell.save()
    letter = write(make, nell, "First line\nsecond line", may_answer=True)
    client = make.client(ada)
    said = text_of(client.get(LIST).content)
    assert "First line second line" in said and "may be answered at nell@example.com" in said
    assert client.post(f"{LIST}{letter.pk}/handle/")["Location"] == LIST
    assert make.client(root).post(f"{LIST}{letter.pk}/handle/").status_code == 302
    assert "First line" not in text_of(client.get(LIST).content)
    assert "by ada" in text_of(client.get(f"{LIST}?tab=handled").content)
    assert Entry.objects.filter(event="feedback.handled").count() == 1
    client.post(f"{LIST}{letter.pk}/reopen/")
    letter.refresh_from_db()
    assert (letter.handled_at, letter.handled_by_name) == (None, "")


def test_others_do_not_see_the_list(make: Make, sam: Account, nell: Account) -> None:
    letter = write(make, nell)
    for account in (sam, nell):
        client = make.client(account)
        assert client.get(LIST).status_code == client.post(f"{LIST}{letter.pk}/handle/").status_code == 403
        assert LIST not in client.get("/").content.decode()


def test_a_message_outlives_its_account(make: Make, ada: Account, nell: Account) -> None:
    write(make, nell, "I was here")
    nell.delete()
    said = text_of(make.client(ada).get(LIST).content)
    assert "nell" in said and "I was here" in said


def test_the_list_costs_the_same_for_one_and_for_many(
    make: Make, ada: Account, vic: Account, django_assert_max_num_queries: Any
) -> None:
    client = make.client(ada)
    write(make, vic)
    with django_assert_max_num_queries(6) as first:
        client.get(LIST)
    for name in ("a", "b", "c", "d"):
        for _number in range(3):
            set_handled(write(make, make.account(f"{name}{_number}"), "Hi"), False, actor=make.actor(ada))
    with django_assert_max_num_queries(len(first)):
        client.get(LIST)


def test_the_database_refuses_nonsense(make: Make, nell: Account) -> None:
    letter = write(make, nell)
    for values in ({"text": ""}, {"handled_by_name": "ada"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Feedback.objects.filter(pk=letter.pk).update(**values)


def test_a_message_is_mailed_to_each_administrator_with_an_address(
    mailbox: Mailbox, make: Make, ada: Account, root: Account, sam: Account, nell: Account
) -> None:
    Account.objects.filter(pk__in=[ada.pk, sam.pk]).update(email="it@example.com")
    Account.objects.filter(pk=root.pk).update(email="IT@example.com")
    Account.objects.filter(pk=nell.pk).update(email="nell@example.com")
    make.account("lou", role="administrator", email="lou@example.com", is_active=False)
    make.account("olga", role="administrator", email="not an address")
    make.account("otis", role="administrator", email="otis@example.com")
    make.client(nell).post(NEW, MESSAGE | {"text": "One <b>\nSubject: two"})
    sent = mailbox.queued()
    assert sorted(mail["To"].lower() for _row, mail in sent) == ["it@example.com", "otis@example.com"]
    text = sent[0][1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "One <b>\nSubject: two" in text.replace("\r\n", "\n") and "nell@example.com" in text
    assert "http://localhost:8000/settings/feedback/" in text
    assert sent[0][1]["Subject"] == "Feedback from nell"
    assert "One &lt;b&gt;" in sent[0][1].get_body(("html",)).get_content()  # type: ignore[union-attr]
