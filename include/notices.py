"""People are told what waits for them: by e-mail, by a webhook, or not at all."""

import logging
from collections.abc import Callable
from html import escape
from smtplib import SMTPException

import structlog
from airflow.sdk import BaseNotifier, Context
from airflow.sdk.exceptions import AirflowException

from astrid_core.settings import Settings

_TIMEOUT_S = 10.0

log = structlog.get_logger(__name__)


class QuestionNotifier(BaseNotifier):  # type: ignore[misc, unused-ignore]  # Airflow exports it untyped
    """Tells the people of ``ASTRID_NOTIFY_EMAIL`` and the webhook ``ASTRID_NOTIFY_WEBHOOK`` that a task asks something.

    A message that cannot be sent is an error in the log; the question waits all the same, in *Required Actions*.
    """

    def notify(self, context: Context) -> None:
        """Send what the task in ``context``, a question, asks, with the address of its page."""
        question = context["task"]
        link = str(question.generate_link_to_ui_from_context(context=context, base_url=_base_url()))
        _tell(context, "question", str(question.subject), str(question.body or ""), link)


def notice_of(context: Context) -> Callable[[str, str], None]:
    """Return what tells the same people something that is no question: a subject and a text."""

    def tell(subject: str, body: str) -> None:
        _tell(context, "notice", subject, body, _base_url())

    return tell


def _tell(context: Context, what: str, subject: str, body: str, link: str) -> None:
    settings = Settings()
    people = [one.strip() for one in settings.notify_email.split(",") if one.strip()]
    webhook = settings.notify_webhook.get_secret_value()
    if not people and not webhook:
        log.info(
            "notice.told_nobody", about=what, reason="neither ASTRID_NOTIFY_EMAIL nor ASTRID_NOTIFY_WEBHOOK is set"
        )
    if people:
        _mail(context, what, people, subject, body, link)
    if webhook:
        _post(webhook, what, subject, body, link)


def _base_url() -> str:
    from airflow.sdk.configuration import conf

    return conf.get("api", "base_url", fallback="") or "http://localhost:8080"


def _mail(context: Context, what: str, people: list[str], subject: str, body: str, link: str) -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    text = f'<p>{escape(subject)}</p><pre>{escape(body)}</pre><p><a href="{escape(link)}">{escape(link)}</a></p>'
    try:
        # Not by calling it: that would take names of files in the text for templates.
        SmtpNotifier(to=people, subject=" ".join(subject.split()), html_content=text).notify(context)
    except (OSError, SMTPException, AirflowException, ValueError) as error:
        log.error("notice.not_mailed", about=what, n_people=len(people), error=str(error))  # noqa: TRY400 - expected; in a line
    else:
        log.info("notice.mailed", about=what, n_people=len(people))


def _post(webhook: str, what: str, subject: str, body: str, link: str) -> None:
    import httpx

    # Its log, and the texts of its errors, hold the address; whoever knows that of a webhook may post there.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    text = "\n\n".join(escape(part, quote=False) for part in (subject, body, link) if part)
    try:
        status = httpx.post(webhook, json={"text": text}, timeout=_TIMEOUT_S).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        log.error("notice.not_posted", about=what, error=type(error).__name__)  # noqa: TRY400 - see above
        return
    if status >= httpx.codes.BAD_REQUEST:
        log.error("notice.not_posted", about=what, error=f"answered {status}")
    else:
        log.info("notice.posted", about=what)
