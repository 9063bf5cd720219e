"""Signs in over HTTP as a person would: the sign-in page, the forced change of the password, the page behind it.

Usage: python3 .ci/sign_in.py ADDRESS USERNAME PASSWORD NEW_PASSWORD
Exit status 1 with a sentence when a page is not what it must be. Standard library only.
"""

import sys
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener


class Page(HTMLParser):
    """The forms of a page with their inputs, and the text that a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[tuple[dict[str, str | None], list[dict[str, str | None]]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            self.forms.append((dict(attrs), []))
        elif tag == "input" and self.forms:
            self.forms[-1][1].append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def words(self) -> str:
        return " ".join(" ".join(self.text).split())[:400]

    def password_form(self) -> tuple[str, list[dict[str, str | None]]]:
        for form, inputs in self.forms:
            if any(field.get("type") == "password" for field in inputs):
                return form.get("action") or "", inputs
        raise SystemExit(f"No form with a password on the page: {self.words()}")


class Browser:
    """Cookies, redirects and the address it is at."""

    def __init__(self) -> None:
        self.opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
        self.address = ""

    def open(self, address: str, form: dict[str, str] | None = None) -> Page:
        headers = {"Referer": self.address} if self.address else {}
        data = urlencode(form).encode() if form is not None else None
        try:
            answer = self.opener.open(Request(address, data, headers), timeout=30)  # noqa: S310 the address is ours
        except HTTPError as refusal:  # a page as well: it says what was wrong
            answer = refusal
        with answer:
            self.address = answer.url
            return Page(answer.read().decode())

    def submit(self, page: Page, username: str, current: str, new: str) -> Page:
        action, inputs = page.password_form()
        form = {}
        for field in inputs:
            name, kind = field.get("name"), field.get("type") or "text"
            if not name or kind in {"submit", "button"} or (kind == "checkbox" and "checked" not in field):
                continue
            if kind == "password":
                form[name] = new if field.get("autocomplete") == "new-password" else current
            else:
                form[name] = username if name == "username" else field.get("value") or ""
        return self.open(urljoin(self.address, action), form)


def main(address: str, username: str, password: str, new_password: str) -> None:
    browser = Browser()
    page = browser.submit(browser.open(urljoin(address, "/sign-in/")), username, password, new_password)
    path = urlsplit(browser.address).path
    if path == "/sign-in/":
        raise SystemExit(f"Signing in was refused: {page.words()}")
    if not any(field.get("autocomplete") == "new-password" for field in page.password_form()[1]):
        raise SystemExit(f"Signing in led to {path}, which does not ask for a new password.")
    page = browser.submit(page, username, password, new_password)
    if urlsplit(browser.address).path == path:
        raise SystemExit(f"The new password was not accepted: {page.words()}")
    page = browser.open(urljoin(address, "/"))
    if urlsplit(browser.address).path == "/sign-in/" or username not in "".join(page.text):
        raise SystemExit(f"{browser.address} does not show {username} as signed in.")
    print(f"{username} signed in at {address}, set a new password and was shown {browser.address}")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
