"""``earmark token``: keys for programs that use the API."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from earmark.accounts.errors import TokenRefusedError, UserUnknownError
from earmark.accounts.models import ApiToken
from earmark.accounts.scopes import Scope
from earmark.accounts.selectors import get_user, list_tokens
from earmark.accounts.services import create_token, revoke_token
from earmark.core.commands import EarmarkCommand

EPILOG = """
examples:
  earmark token create anna --name reaper --scope read --scope write
  export EARMARK_TOKEN="$(earmark token create anna --name script --scope read --days 7)"
  earmark token list --user anna
  earmark token revoke 3

A token acts for its user and may do what the user may, as far as its scopes go. It is shown once,
when it is made: on standard output, alone.

exit status: 0 done; 1 something failed; 2 the command line is wrong
"""


class Command(EarmarkCommand):
    """`earmark token create|list|revoke`."""

    help = "Make, list and revoke the tokens of programs that use the API."
    epilog = EPILOG
    usage_errors = (UserUnknownError, TokenRefusedError)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        create = actions.add_parser("create", help="Make a token and show it, once.")
        create.add_argument("user", help="name of the user it acts for")
        create.add_argument("--name", required=True, help="what it is for")
        create.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=Scope.values,
            help="what it may be used for; may be repeated",
        )
        until = create.add_mutually_exclusive_group()
        until.add_argument(
            "--days", type=int, default=90, help="until it expires (default: %(default)s)"
        )
        until.add_argument("--never-expires", action="store_true", help="it has no end")
        listing = actions.add_parser("list", help="Show tokens, and when they were last used.")
        listing.add_argument("--user", help="only those of this user")
        revoke = actions.add_parser("revoke", help="Make a token useless from now on.")
        revoke.add_argument("number", type=int, metavar="N", help="number of the token")
        for action in (create, listing, revoke):
            action.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked."""
        getattr(self, f"_{options['action']}")(options)

    def _create(self, options: dict[str, Any]) -> None:
        lifetime = None if options["never_expires"] else timedelta(days=options["days"])
        token, secret = create_token(
            user=get_user(named=options["user"]),
            name=options["name"],
            scopes=options["scope"],
            lifetime=lifetime,
        )
        if options["json"]:
            self.stdout.write(json.dumps(_values(token) | {"token": secret}))
            return
        until = f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "without end"
        self.stderr.write(f"Token {token.pk} for {token.user} is valid {until}. Keep it safe:")
        self.stdout.write(secret)

    def _list(self, options: dict[str, Any]) -> None:
        user = get_user(named=options["user"]) if options["user"] is not None else None
        told = False
        for token in list_tokens(user=user):
            self.stdout.write(json.dumps(_values(token)) if options["json"] else _line(token))
            told = True
        if not told:
            self.stderr.write("There is no token.")

    def _revoke(self, options: dict[str, Any]) -> None:
        token = list_tokens().filter(pk=options["number"]).first()
        if token is None:
            raise CommandError(f"There is no token {options['number']}.", returncode=2)
        token = revoke_token(token=token)
        line = f"Token {token.pk} ({token.name}) is revoked."
        self.stdout.write(json.dumps(_values(token)) if options["json"] else line)


def _values(token: ApiToken) -> dict[str, object]:
    times = {
        name: moment.isoformat() if (moment := getattr(token, name)) else None
        for name in ("created_at", "expires_at", "last_used_at", "revoked_at")
    }
    return {
        "id": token.pk,
        "user": token.user.get_username(),
        "name": token.name,
        "prefix": token.prefix,
        "scopes": token.scopes,
        **times,
    }


def _line(token: ApiToken) -> str:
    used = f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never"
    end = f"{token.expires_at:%Y-%m-%d}" if token.expires_at else "never"
    state = "revoked" if token.revoked_at else f"expires {end}"
    scopes = ",".join(token.scopes)
    return f"{token.pk:>4}  {token.user}  {token.name}  {scopes}  used {used}  {state}"
