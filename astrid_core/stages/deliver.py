"""Send alerts until their receivers have them: each at least once, those on one object in their order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import structlog

from astrid_core.alerts.config import AlertsConfig
from astrid_core.alerts.entities import TOLD, Alert, AlertStamps, AlertState, Channel, Message
from astrid_core.alerts.ports import AlertSender
from astrid_core.alerts.stamps import take_stamps
from astrid_core.differencing.products import DifferenceProduct, read_difference
from astrid_core.shared.errors import AlertRefused, BadConfiguration, ChannelUnavailable, MissingArtifact
from astrid_core.stages.services import Services

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one run did for one channel."""

    channel: str
    n_delivered: int = 0
    n_refused: int = 0
    n_failed: int = 0
    """Attempts that failed: these alerts will be sent again."""
    error: str = ""
    """Why the channel was given up for this run; empty if it was not."""


def _now() -> datetime:
    return datetime.now(UTC)


def run_deliver(services: Services, config: AlertsConfig, *, clock: Clock = _now) -> tuple[Delivered, ...]:
    """Send what is due, channel by channel; one that is dead holds up no other. Safe to repeat and to kill.

    Receivers may get an alert again after a sender died, with the same key and the same bytes.
    """
    channels = services.alert_channels
    with services.transaction() as records:
        busy = records.alerts.busy()
    done = []
    for channel in busy:
        if channels is None:
            raise BadConfiguration("alerts are due and no way to send them is open", channel=channel.name)
        try:
            with channels.open(channel) as sender:
                delivered = _Run(services=services, config=config, channel=channel, sender=sender, clock=clock).all()
        except (ChannelUnavailable, BadConfiguration) as error:
            delivered = Delivered(channel=channel.name, error=str(error))
        done.append(delivered)
        if delivered.error:
            log.warning("channel.given_up", channel=channel.name, why=delivered.error)
        log.info(
            "alerts.delivered",
            channel=channel.name,
            n_delivered=delivered.n_delivered,
            n_refused=delivered.n_refused,
            n_failed=delivered.n_failed,
        )
    return tuple(done)


@dataclass(slots=True, kw_only=True)
class _Run:
    """One channel in one run."""

    services: Services
    config: AlertsConfig
    channel: Channel
    sender: AlertSender
    clock: Clock
    n_failed_in_a_row: int = 0
    product: tuple[str, DifferenceProduct] | None = None
    """The difference that was read last: neighbouring alerts are often of one exposure."""
    counts: dict[AlertState, int] = field(default_factory=dict)
    error: str = ""

    def all(self) -> Delivered:
        """Send batch after batch, until nothing is due or the channel is given up."""
        while not self.error and (batch := self._take()):
            self._record([self._sent(one) for one in self._messages(batch)])
        return Delivered(
            channel=self.channel.name,
            n_delivered=self.counts.get(AlertState.DELIVERED, 0),
            n_refused=self.counts.get(AlertState.REFUSED, 0),
            n_failed=self.counts.get(AlertState.PENDING, 0),
            error=self.error,
        )

    def _take(self) -> Sequence[Alert]:
        """Take what is due, so that nobody else sends it meanwhile; a taker that dies is waited for, then forgotten."""
        with self.services.transaction() as records:
            records.alerts.lock()
            at = self.clock()
            due = records.alerts.due(self.channel.name, at=at, limit=self.config.batch)
            records.alerts.put([replace(one, try_after=at + timedelta(seconds=self.config.lease_s)) for one in due])
        return due

    def _sent(self, message: Message) -> Alert:
        """Return the alert as it is after an attempt; as it was where the channel has been given up."""
        alert = message.alert
        if self.error:
            return alert
        if self.sender.wants_stamps:
            message = replace(message, stamps=self._stamps(message.announcement.newest.detection_id))
        try:
            self.sender.send(message)
        except AlertRefused as error:
            self.n_failed_in_a_row = 0
            log.warning("alert.refused", channel=alert.channel, key=str(alert.key), why=str(error))
            return self._settled(alert, AlertState.REFUSED, error=str(error))
        except ChannelUnavailable as error:
            self.n_failed_in_a_row += 1
            if self.n_failed_in_a_row >= self.config.max_failures:
                self.error = str(error)
            self._count(AlertState.PENDING)
            pause_s = min(self.config.first_pause_s * 2.0**alert.n_attempts, self.config.longest_pause_s)
            later = self.clock() + timedelta(seconds=pause_s)
            return replace(alert, n_attempts=alert.n_attempts + 1, try_after=later, error=str(error))
        self.n_failed_in_a_row = 0
        return self._settled(alert, AlertState.DELIVERED)

    def _settled(self, alert: Alert, state: AlertState, *, error: str = "") -> Alert:
        self._count(state)
        return replace(
            alert, state=state, settled_at=self.clock(), n_attempts=alert.n_attempts + 1, try_after=None, error=error
        )

    def _count(self, state: AlertState) -> None:
        self.counts[state] = self.counts.get(state, 0) + 1

    def _record(self, alerts: Sequence[Alert]) -> None:
        """Record what became of a batch, unless another sender, who waited in vain for us, has settled it."""
        with self.services.transaction() as records:
            records.alerts.lock()
            now = records.alerts.of([one.entry_id for one in alerts])
            open_ = {one.key for known in now.values() for one in known if one.state is AlertState.PENDING}
            records.alerts.put([one for one in alerts if one.key in open_])

    def _messages(self, batch: Sequence[Alert]) -> Sequence[Message]:
        """Return what is to be sent, still without pictures."""
        with self.services.transaction() as records:
            known = records.alerts.of([one.entry_id for one in batch])
            said = [records.alerts.announcement(one.entry_id, one.version) for one in batch]
        messages = []
        for alert, announcement in zip(batch, said, strict=True):
            earlier = [
                one
                for one in known[alert.entry_id]
                if one.channel == alert.channel and one.version < alert.version and one.state in TOLD
            ]
            replaces = earlier[-1].key if earlier else None
            messages.append(Message(alert=alert, announcement=announcement, replaces=replaces))
        return messages

    def _stamps(self, detection_id: str) -> AlertStamps | None:
        with self.services.transaction() as records:
            detection = records.model_runs.detection(detection_id)
            run = records.model_runs.get(detection.model_run)
            image = records.difference_runs.get(run.difference_key).image
        if image is None:
            return None
        if self.product is None or self.product[0] != image.digest:
            try:
                self.product = (image.digest, read_difference(self.services.artifacts.get(image.digest)))
            except MissingArtifact:
                log.warning("alert.without_stamps", detection=detection_id, image=image.digest)
                return None
        return take_stamps(self.product[1], detection.candidate)
