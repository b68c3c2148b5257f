"""Three families of failure; the family says what happens next.

AstridError
├── Unprocessable      this item cannot be done: record a skipped run, go on with the others
├── TemporaryFailure   the same call may succeed later: retry with back-off
└── PermanentFailure   retrying cannot help: stop and tell somebody
"""

from typing import ClassVar


class AstridError(Exception):
    """A failure with the numbers that decided it: ``str()`` shows the message and every fact."""

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts

    def __str__(self) -> str:
        if not self.facts:
            return self.message
        return f"{self.message} ({', '.join(f'{name}={_show(value)}' for name, value in self.facts.items())})"


class Unprocessable(AstridError):
    """The item itself cannot be processed; other items can."""

    code: ClassVar[str] = "unprocessable"


class TemporaryFailure(AstridError):
    """A service did not answer in time or answered with a fault of its own."""


class PermanentFailure(AstridError):
    """Something is wrong that no retry mends: corrupt bytes, an unknown model, a bad setting."""


class UnusableFile(Unprocessable):
    """A file is not an image we can use."""


class TooFewSources(Unprocessable):
    """Too few stars to measure a PSF, a registration or a flux scale."""


class NoZeroPoint(Unprocessable):
    """Too few stars of the reference catalog tell what a count is in magnitudes."""


class NoAstrometricSolution(Unprocessable):
    """The sources of an image cannot be tied to the stars of a catalog."""


class NotRegistered(Unprocessable):
    """Science and reference could not be brought onto one another."""


class TooLittleOverlap(Unprocessable):
    """The reference covers too little of the science image."""


class NoReference(Unprocessable):
    """No reference exists that may be subtracted from this observation."""


class NotCovered(Unprocessable):
    """A reference catalog holds nothing about this part of the sky: not the same as having no stars there."""


class TooFewInputs(Unprocessable):
    """Too few calibration frames to make a master."""


class RejectedMaster(Unprocessable):
    """A new master is too unlike the one before it: recorded, never applied."""


class NoCalibration(Unprocessable):
    """A raw frame has no master of a kind that it needs."""


class BadPixels(Unprocessable):
    """Too few usable pixels remain."""


class ArchiveUnavailable(TemporaryFailure):
    """A survey archive or folder cannot be reached now."""


class ServicePaused(ArchiveUnavailable):
    """A service failed too often in a row, or asked for a long pause: nothing is sent to it for a while."""


class CatalogUnavailable(TemporaryFailure):
    """A catalog of reference stars cannot be read now."""


class StorageUnavailable(TemporaryFailure):
    """The artifact store cannot be reached now."""


class DatabaseUnavailable(TemporaryFailure):
    """The database cannot be reached now."""


class RegistryUnavailable(TemporaryFailure):
    """The model registry cannot be reached now."""


class IdentityUnavailable(TemporaryFailure):
    """The keys of an issuer of tokens cannot be read now: nobody can tell who asks."""


class ChannelUnavailable(TemporaryFailure):
    """A receiver of alerts cannot be reached, or did not take one for now."""


class AlertRefused(PermanentFailure):
    """A receiver says that it will never take this alert."""


class ArchiveRefused(PermanentFailure):
    """An archive wants a token, another one, or does not give these data to us."""


class QueryRefused(PermanentFailure):
    """An archive says that a question or an address is wrong."""


class UnexpectedAnswer(PermanentFailure):
    """An archive answered something else than its interface promises: a web page, other columns, too much."""


class CorruptArtifact(PermanentFailure):
    """Stored bytes do not match their digest."""


class MissingArtifact(PermanentFailure):
    """A record names bytes that the store does not hold."""


class DroppedArtifact(MissingArtifact):
    """Bytes that are not kept because they can be made again; the message says how."""


class NotRecreated(PermanentFailure):
    """What was made again is not, bit for bit, what was there, or nothing on record says how it is made."""


class UnknownModel(PermanentFailure):
    """The model registry has no such version."""


class RejectedModel(PermanentFailure):
    """A trained network misses a floor and does not become the champion."""


class UnknownRecord(PermanentFailure):
    """A record that a caller named does not exist."""


class InjectedInCatalog(PermanentFailure):
    """What was injected into pixels came into the catalog, and must not leave it."""


class NotIdentified(PermanentFailure):
    """A key or a token is missing, wrong, expired or revoked: nobody knows who asks."""


class NotAllowed(PermanentFailure):
    """Somebody asked for what their role does not permit."""


class Conflict(PermanentFailure):
    """What somebody asked for contradicts what is on record already."""


class UnknownReason(PermanentFailure):
    """A verdict gives a reason that its vocabulary does not know."""


class BadConfiguration(PermanentFailure):
    """A setting is missing, unknown or out of range."""


def _show(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
