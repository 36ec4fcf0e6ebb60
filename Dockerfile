# One image for all of Earmark's processes; docker-compose.yml says which runs what.
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 earmark && mkdir /data && chown earmark /data
WORKDIR /app
COPY pyproject.toml README.md LICENSE NOTICE manage.py ./
COPY platform platform
COPY workers workers
COPY plugins plugins
RUN pip install --no-cache-dir . && rm -r plugins workers platform
USER earmark
ENV DJANGO_SETTINGS_MODULE=earmark.settings.production EARMARK_DATA_DIR=/data
CMD ["earmark", "--help"]
