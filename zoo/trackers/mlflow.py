"""MLflow: the store is that of MLFLOW_TRACKING_URI, or else `mlruns.db` in the working directory."""

from __future__ import annotations

import os

from zoo.trackers import tracker

__all__ = ["Tracker"]

_LONGEST = 500  # characters of a parameter


class Tracker(tracker.Tracker):
    """By the client, so that no global run of a surrounding program is touched."""

    PACKAGE = "mlflow"

    def __init__(self, path, config, state):
        super().__init__(path, config, state)
        from mlflow import MlflowClient

        if state is None:
            uri = (
                os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{os.path.abspath('mlruns.db')}"
            )
        else:
            uri = state["uri"]
        self._client = MlflowClient(tracking_uri=uri)
        if state is None:
            name = "tfvae"
            found = self._client.get_experiment_by_name(name)
            number = found.experiment_id if found else self._client.create_experiment(name)
            made = self._client.create_run(number, run_name=os.path.basename(os.path.abspath(path)))
            self.state = {"uri": uri, "run": made.info.run_id}
            for key, value in config.items():
                self._client.log_param(self.state["run"], key, str(value)[:_LONGEST])
        else:
            self._client.update_run(self.state["run"], status="RUNNING")

    def row(self, values, step):
        for name, value in values.items():
            self._client.log_metric(self.state["run"], name, value, step=step)

    def report(self, values, verdict, figures):
        for name, value in values.items():
            self._client.log_metric(self.state["run"], f"report/{name}", value)
        self._client.set_tag(self.state["run"], "verdict", verdict)
        for figure in figures:
            self._client.log_artifact(self.state["run"], figure, "figures")
        self._client.set_terminated(self.state["run"])
