# Every AstrID process: Airflow's components, the stages, the MLflow server. VARIANT=gpu adds CUDA and CuPy.
ARG PYTHON=python:3.11.14-slim-bookworm

FROM ${PYTHON} AS build
ARG VARIANT=cpu
WORKDIR /opt/astrid
RUN python -m venv /opt/venv && pip install --no-cache-dir uv==0.13.9

# The locked environment first: it changes seldom. Both locks are limits rather than lists, so that no tool of
# developers gets in; what they do not name cannot be installed, since they name everything. Byte-compiled, because the
# first import of TensorFlow takes 20 s otherwise, in every process anew.
COPY requirements.txt pyproject.toml ./
COPY include/deploy/requirements-extra.txt ./include/deploy/
RUN uv pip install --python /opt/venv/bin/python --no-cache --compile-bytecode \
        --constraint requirements.txt --constraint include/deploy/requirements-extra.txt \
        --requirement pyproject.toml --extra celery --extra kafka --extra sentry \
        $(test "$VARIANT" = gpu && echo "--extra gpu") \
    && uv pip check --python /opt/venv/bin/python

COPY astrid_core ./astrid_core
COPY include ./include
COPY plugins ./plugins
COPY dags ./dags
RUN uv pip install --python /opt/venv/bin/python --no-cache --no-deps --editable . \
    && /opt/venv/bin/python -m compileall -q astrid_core include plugins dags \
    && /opt/venv/bin/python -m include.sbom > sbom.json

FROM ${PYTHON} AS run
RUN useradd --uid 10001 --create-home astrid \
    && install --directory --owner=astrid /opt/airflow /opt/airflow/logs /var/lib/astrid
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/astrid /opt/astrid
WORKDIR /opt/astrid
# The root file system may be read-only: whatever wants to write a cache finds /tmp, Airflow its own folder.
ENV AIRFLOW_HOME=/opt/airflow HOME=/tmp PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/opt/astrid \
    PYTHONUNBUFFERED=1
USER 10001
CMD ["astrid", "--help"]
