"""Who may call which view: declared on the view, enforced here, drawn by the menu, listed by the tests.

Closed by default: a view that declares nothing raises (OWASP ASVS 8.2.1, "deny by default").
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import get_urlconf, resolve, reverse
from django.utils.translation import gettext

from agora.base.errors import problem
from agora.base.http import is_api

View = TypeVar("View", bound=Callable[..., Any])


class Person(Protocol):
    """What this module needs to know of an account or an anonymous visitor."""

    @property
    def is_authenticated(self) -> bool: ...

    def has_perm(self, perm: str, obj: Any = None) -> bool: ...


@dataclass(frozen=True)
class Access:
    """One declaration: public, signed in, or signed in with a permission; and what it means to impersonators.

    ``machine`` is the kind of machine that calls it with a key of its own, in place of people: "streamer".
    ``rule`` says in words what the view asks besides of the one thing that its address names; the view enforces it.
    """

    public: bool = False
    permission: str = ""
    machine: str = ""
    rule: str = ""
    impersonating: bool = True  # may it be called by somebody who acts as somebody else?
    looking: bool = False  # may it change something even while they only look?
    reads: bool = False  # does it change nothing, though it is a POST?

    def __str__(self) -> str:
        if self.machine:
            return f"key of a {self.machine}"
        who = "public" if self.public else self.permission or "signed in"
        who += f", {self.rule}" if self.rule else ""
        return who + ("" if self.impersonating else ", as oneself") + self._how

    @property
    def _how(self) -> str:
        return (", also looking" if self.looking else "") + (", only reads" if self.reads else "")


SOME_NUMBER = 1_234_567_890


def _declare(access: Access) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.access = access  # type: ignore[attr-defined]
        return view

    return mark


public = _declare(Access(public=True))
signed_in = _declare(Access())


def requires(permission: str) -> Callable[[View], View]:
    """Only accounts whose role gives this permission, such as ``accounts.lock``."""
    return _declare(Access(permission=permission))


def machine(kind: str) -> Callable[[View], View]:
    """Only machines of this kind, such as ``streamer``, with a key of their own; no account, whatever its role."""
    return _declare(Access(machine=kind))


def signed_in_with(rule: str) -> Callable[[View], View]:
    """Signed in, and what the view itself asks of the row behind the address, in words: ``Editor on it``.

    The view answers 404 where the person may not see the row, 403 where they may see it but not act.
    """
    return _declare(Access(rule=rule))


def not_while_impersonating(view: View) -> View:
    """Refused while somebody acts as somebody else: credentials and keys. Stands above the declaration of who may."""
    return _declare(replace(declared(view), impersonating=False))(view)


def even_while_looking(view: View) -> View:
    """The ways out: may be called while looking only, when every other change is refused."""
    return _declare(replace(declared(view), looking=True))(view)


def only_reads(view: View) -> View:
    """A POST that changes nothing, for a question too long for an address: open to those who may only read or look."""
    return _declare(replace(declared(view), reads=True))(view)


def is_impersonating(request: HttpRequest) -> bool:
    return getattr(request, "impersonator", None) is not None


def machine_of(request: HttpRequest) -> str:
    """The kind of the machine that came with a key of its own; "" for people and visitors."""
    return str(getattr(getattr(request, "machine", None), "kind", ""))


def allows(access: Access, person: Person, *, impersonating: bool = False) -> bool:
    """The one rule: may this person pass this declaration?"""
    if impersonating and not access.impersonating:
        return False
    if access.public:
        return True
    if access.machine:
        return False
    return person.is_authenticated and (not access.permission or person.has_perm(access.permission))


def declared(view: Callable[..., Any], method: str | None = "GET") -> Access:
    """The view's declaration. Raises ImproperlyConfigured where there is none.

    A view of the API has one for each method; a method that it lacks is for signed-in people to be told so.
    """
    access = getattr(view, "access", None)
    if isinstance(access, Mapping):
        access = access.get(method, Access())
    if not isinstance(access, Access):
        name = f"{view.__module__}.{getattr(view, '__qualname__', view)}"
        raise ImproperlyConfigured(f"{name} declares no access. Mark it @public, @signed_in or @requires(…).")
    return access


def url(name: str, *args: Any, **kwargs: Any) -> str:
    """The address of a view. Raises NoReverseMatch.

    Those without parameters, and those of one row, are made once a process: a page has a hundred of them.
    """
    if not args and not kwargs:
        return _plain(name)
    if len(args) == 1 and type(args[0]) is int and args[0] > 0 and not kwargs:
        before, after = _around_number(name)
        return f"{before}{args[0]}{after}"
    return reverse(name, args=args, kwargs=kwargs)


@cache
def _plain(name: str) -> str:
    return reverse(name)


@cache
def _around_number(name: str) -> tuple[str, str]:
    """The address of a view of one row, without the row's number."""
    before, _number, after = reverse(name, args=[SOME_NUMBER]).rpartition(str(SOME_NUMBER))
    return before, after


def url_if_allowed(request: HttpRequest, name: str, *args: Any, **kwargs: Any) -> str:
    """The address of a view, or "" when this person may not call it: a button never offers what is refused."""
    address = url(name, *args, **kwargs)
    access = _declared_by(name, address)
    return address if allows(access, request.user, impersonating=is_impersonating(request)) else ""


_by_name: dict[tuple[str, str], Access] = {}


def _declared_by(name: str, address: str) -> Access:
    """The declaration of the view with this name; looked up once, for a page asks for twenty."""
    key = (get_urlconf() or settings.ROOT_URLCONF, name)
    if key not in _by_name:
        _by_name[key] = declared(resolve(urlsplit(address).path).func)
    return _by_name[key]


class NotPermitted(PermissionDenied):
    """The role does not give what the view asks for. Without a sentence: the page for 403 has its own."""

    def __init__(self, access: Access) -> None:
        self.missing = access.permission or (f"key of a {access.machine}" if access.machine else "")
        super().__init__()


class AccessMiddleware:
    """Lets a request through to its view, sends it to the sign-in page, or refuses it with 403."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *_: Any) -> HttpResponse | None:
        access = declared(view, request.method)
        impersonating, kind = is_impersonating(request), machine_of(request)
        if allows(access, request.user, impersonating=impersonating) or (kind and access.machine == kind):
            return None
        if impersonating and not access.impersonating:
            raise PermissionDenied(
                gettext(
                    "This is not open while you act as somebody else. Stop impersonating first; then it is your own."
                )
            )
        if request.user.is_authenticated or kind:
            raise NotPermitted(access)
        if is_api(request):
            say = gettext("Send an API key, or sign in with this browser.")
            if access.machine:
                say = gettext("Send the key of a %(machine)s.") % {"machine": access.machine}
            answer = problem(request, 401, "not_signed_in", say)
            answer["WWW-Authenticate"] = 'Bearer realm="agora"'
            return answer
        return sign_in_first(request)


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """To the sign-in page and back here afterwards; a fragment for htmx takes its whole page along (HX-Redirect)."""
    if request.headers.get("HX-Request") != "true":
        target = request.get_full_path() if request.method in ("GET", "HEAD") else "/"
        return redirect_to_login(target)
    page = urlsplit(request.headers.get("HX-Current-URL", ""))
    response = redirect_to_login(page.path + (f"?{page.query}" if page.query else "") if page.path else "/")
    answer = HttpResponse(status=204)
    answer["HX-Redirect"] = response["Location"]
    return answer
