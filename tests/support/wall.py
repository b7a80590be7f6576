"""A user of a PostgreSQL database who works with its tables and does not own them, made as documented."""

from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy import make_url

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
NAMED, PASSWORD = "engagement_service", "choose-one"


def documented() -> str:
    """The statements that an operator is told to run."""
    return PAGE.read_text().partition("### A second wall")[2].partition("```sql\n")[2].partition("```")[0]


def behind_the_wall(url: str) -> str:
    """The address of a migrated database for a new user of that kind."""
    name = f"service_{uuid4().hex[:12]}"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute(documented().replace(NAMED, name).encode())
    served = make_url(url).set(username=name, password=PASSWORD)
    return served.render_as_string(hide_password=False)
