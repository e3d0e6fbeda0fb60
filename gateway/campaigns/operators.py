"""Who approves: operators by name, each with a password of their own under `[operators.NAME]`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from werkzeug.security import check_password_hash

from flows.errors import AwalError
from flows.nearest import did_you_mean
from gateway.settings import FILE, ID

if TYPE_CHECKING:
    from gateway.project import Project

LONGEST = 1_000


def proved(project: Project, name: str, password: str, note: Callable[[str, str], object] | None = None) -> str:
    """Return the operator's name once the password proves who it is; raises AwalError, and notes a wrong one.

    `note` keeps it where another process holds the store; the project does so itself otherwise.
    """
    known = project.settings.operators
    if not known:
        raise AwalError(
            f"{FILE}: there is no [operators.NAME] yet. Give each person who approves one, with the password hash that "
            "`awal password` prints."
        )
    if name not in known:
        shown = repr(name) if re.fullmatch(ID, name) else "the name"
        raise AwalError(f"{FILE}: {shown} is no operator. {did_you_mean(name, list(known))}")
    if not _is_right(known[name].password, password):
        (note or project.note)("login-failed", f"wrong password of operator {name}")
        raise AwalError(f"This is not the password of operator {name}. Nothing was done.")
    return name


def _is_right(kept: str, given: str) -> bool:
    if not kept or not given or len(given) > LONGEST:
        return False
    try:
        return check_password_hash(kept, given)
    except ValueError:
        raise AwalError(f"{FILE}: a password under [operators] is no hash. Make one: awal password") from None
