"""Who may log in, and the clinic's texts."""

from __future__ import annotations

from fastapi import APIRouter

from mien.web.api.fields import Code
from mien.web.api.record_models import UserOut
from mien.web.api.record_requests import NewText, NewUser
from mien.web.security.access import Admin, Visitor

TEXTS = ("phq9_safety", "crisis", "report_footer")


def add_admin(router: APIRouter) -> None:
    """Add the routes for users and texts."""

    @router.get("/users")
    def users(who: Admin) -> list[UserOut]:
        """List who may log in."""
        return _users(who)

    @router.post("/users", status_code=201)
    def add(wanted: NewUser, who: Admin) -> list[UserOut]:
        """Add a user; the first one has to be an admin, who can add others."""
        subject = who.store.subjects.get(wanted.subject) if wanted.subject else None
        who.store.users.add(wanted.name, wanted.password, wanted.role, subject)
        return _users(who)

    @router.delete("/users/{name}", status_code=204)
    def remove(name: Code, who: Admin) -> None:
        """Remove a user, who can no longer log in."""
        who.store.users.remove(name)

    @router.get("/texts")
    def texts(who: Admin) -> dict[str, str]:
        """Return the texts that a clinic may change."""
        return {name: who.store.texts.get(name) for name in TEXTS}

    @router.post("/texts/{name}")
    def change(name: Code, wanted: NewText, who: Admin) -> dict[str, str]:
        """Change a text; the one beside PHQ-9's ninth question can't be blank."""
        who.store.texts.set(name, wanted.text)
        return {name: who.store.texts.get(name)}


def _users(who: Visitor) -> list[UserOut]:
    codes = {subject.id: subject.code for subject in who.store.subjects.all()}
    return [
        UserOut(name=user.name, role=user.role, subject=codes.get(user.subject_id or -1))
        for user in who.store.users.all()
    ]
