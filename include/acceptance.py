"""The work behind the tasks that ask a person about references which no rule brought into use."""

from collections.abc import Sequence

from astrid_core.differencing.entities import ReferenceImage
from astrid_core.shared.errors import Unprocessable
from astrid_core.stages.acceptance import awaiting_acceptance, run_acceptance
from astrid_core.stages.services import Services
from include.answers import Answer, acting, person_of, reason_of
from include.messages import ACCEPT, LEAVE, Drafts

_MAX_SHOWN = 50
"""Longer tables are cut off; `astrid reference list` shows all."""


def list_drafts(services: Services, digests: Sequence[str]) -> Drafts:
    """Return those of these references that wait for a person, and what the person is shown.

    Unprocessable where none waits: then nobody is asked.
    """
    waiting = awaiting_acceptance(services, digests)
    if not waiting:
        raise Unprocessable("no reference waits for a person")
    return Drafts(digests=[one.digest for one in waiting], table=_table(services, waiting))


def settle_drafts(services: Services, drafts: Drafts, answer: Answer) -> list[str]:
    """Do what the person answered, in their name; return the digests of the references that are in use by it.

    Unprocessable where they are left as they are, as they are without an answer; NotAllowed for who may not operate.
    """
    login = person_of(answer)
    chosen = answer["chosen_options"]
    if chosen == [LEAVE] or not login:
        raise Unprocessable(
            "references stay drafts", n_references=len(drafts["digests"]), answered_by=login or "nobody"
        )
    is_accepted = chosen == [ACCEPT]
    decided = run_acceptance(
        acting(services, answer), drafts["digests"], is_accepted=is_accepted, login=login, reason=reason_of(answer)
    )
    if not is_accepted or not decided:
        raise Unprocessable("no reference came into use", n_retired=len(decided), answered_by=login)
    return [*decided]


def _table(services: Services, drafts: Sequence[ReferenceImage]) -> str:
    """Return a table, in Markdown, of what is known of the references and of why no rule took them."""
    lines = ["| Digest | Cell | Band | Version | Inputs | FWHM, pix | Why it waits |", "|---|---|---|---|---|---|---|"]
    with services.transaction() as records:
        for one in drafts[:_MAX_SHOWN]:
            events = (event for event in records.events.of(one.digest) if event.name == "reference.recorded")
            why = next((str(event.facts["reason"]) for event in events), "")
            lines.append(
                f"| {one.digest[:12]} | {one.cell} | {one.band} | {one.version} | {len(one.inputs)} "
                f"| {one.fwhm_pix:.2f} | {why} |"
            )
    if len(drafts) > _MAX_SHOWN:
        lines.append(f"\nand {len(drafts) - _MAX_SHOWN} more")
    return "\n".join(lines)
