"""Every write of this app, by what it is about."""

from mail.services.messages import CannotMail, mail_is_on, send

__all__ = ["CannotMail", "mail_is_on", "send"]
