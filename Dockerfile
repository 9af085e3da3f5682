# The steps are in deploy/install.sh, which deploy/clean-root.sh tries without Docker.
FROM debian:12.13-slim

# `postgres` adds the driver: docker build --build-arg REQUIREMENTS=postgres .
ARG REQUIREMENTS=run

# Where an index of one's own is used: docker build --secret id=pip.conf,src=pip.conf .
RUN --mount=type=bind,target=/source \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    sh /source/deploy/install.sh --image "$REQUIREMENTS"

ENV PATH=/opt/stipend/venv/bin:/usr/local/bin:/usr/bin:/bin
ENV PYTHONUNBUFFERED=1
ENV PYTHONDONTWRITEBYTECODE=1
ENV STIPEND_DATABASE_URL=sqlite+aiosqlite:////data/stipend.db
ENV STIPEND_BACKUP_FOLDER=/data/backups
ENV STIPEND_HEALTH_PORT=8080

USER stipend
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=4 \
    CMD ["python", "-m", "bot", "health"]
CMD ["python", "-m", "bot"]
