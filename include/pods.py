"""A heavy stage as a pod: ``astrid batch``, with the answer read from our own records."""

from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import Context
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from kubernetes.client import V1Pod, V1ResourceRequirements

from astrid_core.settings import Settings
from astrid_core.shared.errors import BadConfiguration
from include.boundary import airflow_outcome
from include.messages import Batch, Request
from include.pod_endings import Ending, ending_of
from include.pod_profiles import Profile, read_pod_plan
from include.pools import GPU

_EXCEEDED = "out_of_memory_gib"
"""What a task remembers between its tries: the memory that was too little."""


class StagePod(KubernetesPodOperator):  # type: ignore[misc, unused-ignore] # the provider is only partly typed
    """Runs a stage in a pod and waits for it; a killed worker's retry finds the same pod again.

    No sidecar carries the answer: the keys of the runs follow from what went in, and are looked up at the end.
    """

    template_fields = (*KubernetesPodOperator.template_fields, "batch", "request")

    def __init__(self, *, stage: str, batch: Batch, request: Request, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stage = stage
        self.batch = batch
        self.request = request

    def execute(self, context: Context) -> None:
        """Ask for a pod of the right size, wait, and hand on the runs that it left on record."""
        from astrid_core.bootstrap import open_services
        from astrid_core.stages.heavy import HeavyStage, find_heavy, largest_mpix
        from astrid_core.telemetry.open import traceparent
        from include.items import answer
        from include.search import heavy_work

        stage = HeavyStage(self.stage)
        with airflow_outcome(self.batch["label"]):
            work = heavy_work(stage, self.request)
            with open_services() as services:
                mpix = largest_mpix(services, work, self.batch["items"])
            exceeded = float(self._remembered(context) or 0.0)
            profile = read_pod_plan(Settings().compute_plan).choose(stage, mpix, above_gib=exceeded)
        self.container_resources = resources_of(profile)
        model = work.recipe.model.id
        self.arguments = [
            "batch",
            self.stage,
            "--model",
            model,
            "--settings",
            work.settings,
            "--",
            *self.batch["items"],
        ]
        self.env_vars = traceparent()
        super().execute(context)
        with airflow_outcome(), open_services() as services:
            done = answer(self.batch, find_heavy(services, work, self.batch["items"]))
        # The operator itself would read its answer from a sidecar, or give none.
        context["ti"].xcom_push(BaseXCom.XCOM_RETURN_KEY, done)

    def cleanup(
        self, pod: V1Pod, remote_pod: V1Pod, xcom_result: dict[str, Any] | None = None, context: Context | None = None
    ) -> None:
        """Say what the end of the pod means: skipped, to be tried again, with more memory, or never."""
        try:
            super().cleanup(pod, remote_pod, xcom_result, context)
        except AirflowException as error:
            ending, reason = ending_of(remote_pod, container=self.base_container_name)
            if ending is Ending.OUT_OF_MEMORY:
                self._want_more_memory(context, error)
            outcome = {Ending.SKIPPED: AirflowSkipException, Ending.FAILED: AirflowFailException}
            raise outcome.get(ending, AirflowException)(reason) from error

    def _want_more_memory(self, context: Context | None, error: AirflowException) -> None:
        limit_gib = float(self.container_resources.limits["memory"].removesuffix("Gi"))
        before = self._remembered(context)
        if before is not None:
            message = f"out of memory with {limit_gib:g} GiB, and with {before:g} GiB before: fewer or smaller frames?"
            raise AirflowFailException(message) from error
        if context is not None and (store := context.get("task_state_store")) is not None:
            store.set(_EXCEEDED, limit_gib)
        message = f"out of memory with {limit_gib:g} GiB; the next try asks for more"
        raise AirflowException(message) from error

    def _remembered(self, context: Context | None) -> float | None:
        store = None if context is None else context.get("task_state_store")
        return None if store is None else store.get(_EXCEEDED)


def arguments_of(stage: str) -> dict[str, Any]:
    """Return what every pod of a stage is created with; BadConfiguration where the image is not named by its digest."""
    settings = Settings()
    if "@sha256:" not in settings.pod_image:
        raise BadConfiguration("ASTRID_POD_IMAGE must name an image by its digest", image=settings.pod_image)
    rules = read_pod_plan(settings.compute_plan).rules
    return {
        "task_id": stage,
        "stage": stage,
        "map_index_template": "{{ label }}",
        "pool": GPU,
        "name": f"astrid-{stage}",
        "image": settings.pod_image,
        "cmds": ["astrid"],
        "pod_template_file": str(settings.pod_template),
        "startup_timeout_seconds": rules.start_timeout_s,
        "schedule_timeout_seconds": rules.schedule_timeout_s,
        "active_deadline_seconds": rules.deadline_s,
        "on_finish_action": "delete_succeeded_pod" if rules.keep_failed else "delete_pod",
        # The end of the log is the reason of a failure.
        "termination_message_policy": "FallbackToLogsOnError",
        "log_pod_spec_on_failure": False,
        "log_events_on_failure": True,
        # Deferrable operators lose tasks when an executor is slow to hear of the deferral.
        "deferrable": False,
    }


def resources_of(profile: Profile) -> V1ResourceRequirements:
    """Return a profile as Kubernetes writes it."""
    asked = {
        "cpu": f"{profile.cpu:g}",
        "memory": f"{profile.memory_gib:g}Gi",
        "ephemeral-storage": f"{profile.scratch_gib:g}Gi",
    }
    if profile.gpu:
        asked["nvidia.com/gpu"] = str(profile.gpu)
    return V1ResourceRequirements(requests=asked, limits=dict(asked))
