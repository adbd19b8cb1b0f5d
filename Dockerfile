# One image for nginx, web, jobs, sweeper and migrations; compose.yaml says which it is.
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
COPY requirements.lock .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
# Node comes with the Python packages.
RUN PYTHONPATH=/app /venv/bin/python -c "from server.launch.pages_build import build; build()" \
    && rm -rf server/web/node_modules .patrol

FROM python:3.11-slim-bookworm
# Nothing starts by itself in a container: the service `front` of compose.yaml runs it.
RUN apt-get update && apt-get install -y --no-install-recommends nginx-light && rm -rf /var/lib/apt/lists/*
RUN useradd --system --create-home --home-dir /home/patrol patrol \
    && install -d -o patrol -g patrol /var/lib/gridpatrol
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PATROL_HOME=/var/lib/gridpatrol
USER patrol
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "-c", "python:server.launch.gunicorn_settings", "server.app:create_app()"]
