"""Writes dashboards and rules: `PYTHONPATH=services:tests python -m support.monitoring`."""

import argparse

from support.monitoring.alerts import RUNBOOKS
from support.monitoring.files import FOLDER, files

parser = argparse.ArgumentParser(description="Writes dashboards and rules to deploy/.")
parser.add_argument("--runbooks", default=RUNBOOKS, help="where people find the runbooks' pages")
for name, content in files(parser.parse_args().runbooks).items():
    (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
    (FOLDER / name).write_text(content)
