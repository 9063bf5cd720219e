from django.apps import AppConfig
from django.core.signals import got_request_exception
from django.utils.translation import gettext_lazy as _


class LogsConfig(AppConfig):
    name = "logs"
    verbose_name = _("Logs")

    def ready(self) -> None:
        from celery.signals import task_failure

        from logs import capture

        got_request_exception.connect(capture.error_in_request, dispatch_uid="logs")
        task_failure.connect(capture.error_in_task, dispatch_uid="logs")
