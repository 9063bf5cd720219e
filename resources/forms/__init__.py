"""What people may type about resources."""

from resources.forms.devices import DeviceForm
from resources.forms.ends import FORMS as END_FORMS
from resources.forms.ends import EndForm
from resources.forms.resources import (
    CredentialForm,
    DeleteForm,
    NewRecordingForm,
    NewStreamForm,
    ReachForm,
    RecordingForm,
    SessionForm,
    StreamerForm,
    StreamForm,
    UploadForm,
    WhyForm,
)

__all__ = [
    "END_FORMS",
    "CredentialForm",
    "DeleteForm",
    "DeviceForm",
    "EndForm",
    "NewRecordingForm",
    "NewStreamForm",
    "ReachForm",
    "RecordingForm",
    "SessionForm",
    "StreamForm",
    "StreamerForm",
    "UploadForm",
    "WhyForm",
]  # fmt: skip
