"""The server's addresses, and some whose views fail."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from agora.base.access import public
from agora.urls import handler400, handler403, handler404, handler500
from agora.urls import urlpatterns as ours
from mail.models import MailSettings

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


@public
def fail(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError(request.GET.get("say", "nothing"))


@public
def fail_elsewhere(request: HttpRequest, number: int) -> HttpResponse:
    exec(f"def step_{number}(): raise LookupError", scope := {})
    scope[f"step_{number}"]()
    return HttpResponse()


@public
def fail_with_the_password(request: HttpRequest) -> HttpResponse:
    raise LookupError(f"it is {MailSettings.load().password}")


@public
def tell_everything(request: HttpRequest) -> HttpResponse:
    sent = [
        *request.POST.values(),
        *request.COOKIES.values(),
        request.headers.get("Authorization"),
        request.body.decode(),
        request.META["QUERY_STRING"],
    ]
    raise ValueError(f"could not use {sent!r} with postgres://agora:pass-in-a-url@db/agora")


@public
def break_off(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        yield b"the first half"
        raise BrokenPipeError(request.GET.get("say", "the disk is gone"))

    return StreamingHttpResponse(parts())


urlpatterns = [
    *ours,
    path("break-off/", break_off),
    path("fail/", fail),
    path("fail/<int:number>/", fail_elsewhere),
    path("fail/the-password/", fail_with_the_password),
    path("tell/", tell_everything),
]
