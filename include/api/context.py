"""What all requests share, opened when the first one needs it: nobody tells a mounted application that it starts."""

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

from fastapi import Request

from astrid_core.adapters.db.reading.engine import ReadingDatabase, open_reading
from astrid_core.adapters.identity.tokens import TokenVerifier
from astrid_core.bootstrap import Pipeline, load_pipeline, open_services, open_token_verifier
from astrid_core.settings import Settings
from astrid_core.stages.services import Services
from include.api.gauges import show
from include.api.limits import RateLimit
from include.api.parts import Parts, archives, own_parts

_KEPT_S, _ARCHIVES_KEPT_S = 5.0, 600.0


@dataclass(slots=True)
class Context:
    """Services and limits of one application."""

    settings: Settings
    opener: Callable[[Settings], AbstractContextManager[Services]] = open_services
    model_digests: dict[str, str] = field(default_factory=dict)
    """Of versions that the registry was asked for: a version never changes."""
    limit: RateLimit = field(init=False)
    _tokens: TokenVerifier | None = None
    _pipeline: Pipeline | None = None
    _opened: tuple[Services, ReadingDatabase, Parts, Parts] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.limit = RateLimit(per_s=self.settings.api_rate_per_s, burst=self.settings.api_burst)

    @property
    def parts(self) -> Parts:
        """What asks our own parts whether they work; asked often, by probes and by whoever comes by."""
        return self._all()[2]

    @property
    def archives(self) -> Parts:
        """What asks the archives, seldom: they are not ours."""
        return self._all()[3]

    @property
    def services(self) -> Services:
        """What writes, and whatever blocks."""
        return self._all()[0]

    @property
    def reading(self) -> ReadingDatabase:
        """What reads while others wait for nothing."""
        return self._all()[1]

    @property
    def tokens(self) -> TokenVerifier | None:
        """What verifies tokens of an external issuer; None where none is configured."""
        with self._lock:
            if self._tokens is None and self.settings.token_issuer:
                self._tokens = open_token_verifier(self.settings)
            return self._tokens

    @property
    def pipeline(self) -> Pipeline:
        """The science settings, as they are when they are first asked for."""
        if self._pipeline is None:
            self._pipeline = load_pipeline(self.settings.pipeline)
        return self._pipeline

    async def close(self) -> None:
        """Close what was opened."""
        with self._lock:
            opened, self._opened = self._opened, None
            tokens, self._tokens = self._tokens, None
        if tokens is not None:
            tokens.close()
        if opened is not None:
            await opened[1].close()
            self._open.close()

    def _all(self) -> tuple[Services, ReadingDatabase, Parts, Parts]:
        with self._lock:
            if self._opened is None:
                services = self._open.enter_context(self.opener(self.settings))
                ours = _parts(own_parts(services), self.settings, keep_s=_KEPT_S)
                theirs = _parts(archives(services), self.settings, keep_s=_ARCHIVES_KEPT_S)
                self._opened = (services, open_reading(self.settings.own_database), ours, theirs)
                show(services, self.settings.home, ours)
            return self._opened


def _parts(checks: Mapping[str, Callable[[], object]], settings: Settings, *, keep_s: float) -> Parts:
    return Parts(checks=checks, timeout_s=settings.health_timeout_s, keep_s=keep_s)


async def context_of(request: Request) -> Context:
    """Return what all requests of this application share."""
    found: Context = request.app.state.context
    return found
