# One image for every AstrID process: Airflow's components, the stages, the MLflow server.
FROM python:3.11.14-slim-bookworm

RUN useradd --uid 10001 --create-home astrid \
    && install --directory --owner=astrid /opt/astrid /opt/airflow/logs /var/lib/astrid
WORKDIR /opt/astrid
ENV AIRFLOW_HOME=/opt/airflow PYTHONPATH=/opt/astrid PYTHONUNBUFFERED=1

# The locked environment first: it changes seldom. Byte-compiled, because the first import of TensorFlow takes 20 s
# otherwise, in every process anew.
COPY requirements.txt ./
RUN pip install --no-cache-dir uv==0.13.9 \
    && uv pip install --system --no-cache --compile-bytecode --requirement requirements.txt

COPY pyproject.toml ./
COPY astrid_core ./astrid_core
COPY include ./include
COPY plugins ./plugins
COPY dags ./dags
RUN uv pip install --system --no-cache --no-deps --editable . \
    && python -m compileall -q astrid_core include plugins dags

USER astrid
CMD ["astrid", "--help"]
