"""What other DAGs may wait for: the boundaries of a night, not its steps."""

from airflow.sdk import Asset

OBSERVATIONS = Asset(name="observations", uri="astrid://observations")
"""The record of exposures; extra: how many are new."""
CALIBRATIONS = Asset(name="calibrations", uri="astrid://calibrations")
"""Masters of a detector; exposures that they apply to are pending again."""
REFERENCES = Asset(name="references", uri="astrid://references")
"""The references in use; extra: the digests of those that were built."""
DETECTIONS = Asset(name="detections", uri="astrid://detections")
"""The catalog; extra: nights and how many detections were published."""
VERDICTS = Asset(name="verdicts", uri="astrid://verdicts")
"""What people have decided; told when it is enough for a training. Extra: how many verdicts are new."""
MODEL = Asset(name="model", uri="astrid://model")
"""The network that production uses; extra: its name and version."""
RELEASES = Asset(name="releases", uri="astrid://releases")
"""Extracts of the catalog that are public; extra: the run of the one that became so."""
HELD_ALERTS = Asset(name="held-alerts", uri="astrid://held-alerts")
"""Alerts that wait for a person; extra: how many a run held."""
ALERTS_RELEASED = Asset(name="alerts-released", uri="astrid://alerts-released")
"""Alerts that a person let go; extra: how many."""
