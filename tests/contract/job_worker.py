"""A worker process of the job suite: the real one, with the actors of the tests."""

from app import serve, worker
from app.runtime import logs
from app.runtime.settings import Settings

if __name__ == "__main__":
    settings = Settings()
    logs.configure(settings)
    worker.run(settings, serve.stop_on_signals(), ["tests.contract.job_actors"])
