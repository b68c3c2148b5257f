"""Open the way to a channel: where it leads is in the environment, what it wants in the science settings."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from astrid_core.adapters.alerts.folder import FolderSender
from astrid_core.adapters.alerts.formats import formats
from astrid_core.adapters.alerts.kafka import PREFIX, KafkaSender
from astrid_core.adapters.alerts.webhook import WebhookSender, check_address
from astrid_core.alerts.config import TnsConfig
from astrid_core.alerts.entities import Channel
from astrid_core.alerts.ports import AlertSender
from astrid_core.shared.errors import BadConfiguration

_FOLDER = "file://"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredChannels:
    """Channels whose addresses and keys are configured, by name."""

    addresses: Mapping[str, SecretStr]
    keys: Mapping[str, SecretStr]
    hosts: str
    """The only ones that packets may go to, with commas between."""
    timeout_s: float
    kafka: Mapping[str, SecretStr]
    """Options of Kafka's clients."""
    tns: Callable[[], TnsConfig]

    @contextmanager
    def open(self, channel: Channel) -> Iterator[AlertSender]:
        """Open the way to a channel; BadConfiguration where its address is missing or not allowed."""
        if channel.name not in self.addresses:
            raise BadConfiguration("no address for this channel; see ASTRID_ALERT_ADDRESSES", channel=channel.name)
        address = self.addresses[channel.name].get_secret_value()
        format_ = formats(self.tns())[channel.format]
        if address.startswith(_FOLDER):
            folder = FolderSender(channel.name, Path(address.removeprefix(_FOLDER)), format_)
            with closing(folder):
                yield folder
            return
        if channel.format == "tns":
            raise BadConfiguration(
                "reports for the name server go into a folder; a person sends them", channel=channel.name
            )
        hosts = frozenset(one.strip() for one in self.hosts.split(",") if one.strip())
        secret = self.keys.get(channel.name, SecretStr("")).get_secret_value().encode()
        if address.startswith(PREFIX):
            options = {name: value.get_secret_value() for name, value in self.kafka.items()}
            topic = KafkaSender(
                channel.name, address, format_, secret=secret, hosts=hosts, options=options, timeout_s=self.timeout_s
            )
            with closing(topic):
                yield topic
            return
        url = check_address(address, channel=channel.name, hosts=hosts)
        webhook = WebhookSender(channel.name, url, format_, secret=secret, timeout_s=self.timeout_s)
        with closing(webhook):
            yield webhook
