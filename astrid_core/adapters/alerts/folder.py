"""Leave packets in a folder, each in a file that is whole as soon as it is there."""

import os
from pathlib import Path

from astrid_core.adapters.alerts.formats import Format
from astrid_core.alerts.entities import Message
from astrid_core.shared.errors import ChannelUnavailable


class FolderSender:
    """A folder that somebody looks into."""

    def __init__(self, channel: str, folder: Path, format_: Format) -> None:
        self.wants_stamps = format_.wants_stamps
        self._channel, self._folder, self._format = channel, folder, format_

    def send(self, message: Message) -> None:
        """Write a file that is named by the key of the alert; the same alert again is the same file."""
        body = self._format.packet(message)
        name = f"{message.alert.key}.{self._format.suffix}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished = self._folder / f".{name}.{os.getpid()}"
            with unfinished.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._folder / name)
        except OSError as error:
            raise ChannelUnavailable("folder cannot be written", channel=self._channel, why=str(error)) from error

    def close(self) -> None:
        """Nothing stays open."""
