"""What people may write to the administrators."""

from typing import TYPE_CHECKING

from django import forms
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from feedback.models import Feedback

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Feedback]
else:
    ModelForm = forms.ModelForm  # generic for the type checker only


class FeedbackForm(ModelForm):
    """A message, and whether its writer may be asked back. ``page`` is filled in by the button."""

    class Meta:
        model = Feedback
        fields = ("text", "may_answer", "page")
        widgets = {
            "text": forms.Textarea(attrs={"rows": 6, "autofocus": True}),
            "page": forms.HiddenInput,
        }

    page = forms.CharField(required=False, max_length=4000, widget=forms.HiddenInput)

    def __init__(self, *args: object, email: str = "", **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["may_answer"].help_text = (
            _("To %(email)s.") % {"email": email}
            if email
            else _("Your account has no e-mail address; the administrators see your username.")
        )

    def clean_page(self) -> str:
        """A path of this server, or nothing."""
        page: str = self.cleaned_data["page"].partition("?")[0][:400]
        return page if page.startswith("/") and url_has_allowed_host_and_scheme(page, None) else ""
