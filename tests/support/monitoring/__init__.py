"""Dashboards and rules as code: `python -m support.monitoring` writes them to `deploy/`."""
