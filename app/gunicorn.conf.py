"""gunicorn's settings: `gunicorn -c app/gunicorn.conf.py "app:create_app()"`.

Runs as any user on a read-only root file system: writes nothing but one unlinked file in memory.
"""

import os

from app.settings import load_or_exit

_settings = load_or_exit(os.environ)

bind = f"0.0.0.0:{_settings.port}"
# One process, so that /metrics needs no shared directory; more load is served by more tasks.
workers = 1
worker_class = "app.worker.Worker"
threads = _settings.threads
# Longer than the load balancer's idle timeout (60 s): it must be the one to close, else it sends into a closed one.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#connection-idle-timeout
keepalive = 75
# Below the task's stop timeout (30 s), after which ECS sends SIGKILL.
graceful_timeout = 25
worker_tmp_dir = "/dev/shm"
control_socket_disable = True
pidfile = None
# Requests are logged by the application, on stdout; gunicorn's own words go to stderr.
accesslog = None
errorlog = "-"
