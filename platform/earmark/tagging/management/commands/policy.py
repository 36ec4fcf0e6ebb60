"""``earmark policy``: which labels become tags; show it, change it, apply it to what is known."""

from __future__ import annotations

import json
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from earmark.core.commands import USAGE, EarmarkCommand
from earmark.core.database import ensure_migrated
from earmark.library.errors import LibraryUnknownError
from earmark.library.models import Library
from earmark.library.selectors import get_library
from earmark.tagging.knowledge import InvalidPolicyError, TagPolicy
from earmark.tagging.knowledge.policy_text import differences, read_setting, write_setting
from earmark.tagging.models import PolicyChange
from earmark.tagging.selectors import get_policy, get_policy_change, list_policy_changes
from earmark.tagging.services import follow_default, plan_rederivation, set_policy

_ACTIONS = {
    "show": "Show the policy that holds.",
    "set": "Change it: a new version.",
    "history": "Show its versions, newest first.",
    "apply": "Derive new tags from the scores that are stored.",
}
EPILOG = """
examples:
  earmark policy show                          what holds where nothing else is said
  earmark policy set accept=0.3 max_labels=4   a new version of the default
  earmark policy set --library Foley denied="Speech; Music" --note "no dialogue here"
  earmark policy set --library Foley --follow-default
  earmark policy history --library Foley
  earmark policy apply                         new tags from the scores that are stored

Every change is a new version; versions that tags rest on are never lost. Lists are separated by
semicolons. A label's own threshold: label_thresholds="Dog = 0.5; Cat = 0.4". No limit: none.
`apply` hears no sound and writes no file: `earmark tag` brings the files up to date.

exit status: 0 done, 1 something failed, 2 the command line is wrong
"""


class Command(EarmarkCommand):
    """`earmark policy show|set|history|apply [NAME=VALUE ...] [--library L] [--json]`."""

    help = "Show or change the policy by which labels become tags, or apply it to stored scores."
    epilog = EPILOG
    usage_errors = (LibraryUnknownError,)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for name, text in _ACTIONS.items():
            action = actions.add_parser(name, help=text, description=text)
            action.add_argument("--library", metavar="L", help="name or folder; default: all")
            action.add_argument("--json", action="store_true", help="JSON on standard output")
            if name == "set":
                action.add_argument("settings_", nargs="*", metavar="NAME=VALUE")
                action.add_argument("--note", default="", metavar="TEXT", help="why, for others")
                action.add_argument(
                    "--follow-default",
                    action="store_true",
                    help="the library has no policy of its own any more",
                )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked."""
        action = options["action"]
        if action == "set" and bool(options["settings_"]) == options["follow_default"]:
            raise CommandError(
                "Say what to set, as in `policy set accept=0.3`, or --follow-default.",
                returncode=USAGE,
            )
        ensure_migrated()
        library = get_library(named=options["library"]) if options["library"] else None
        try:
            getattr(self, f"_{action}")(library, options)
        except InvalidPolicyError as error:
            raise CommandError(f"{error.code}: {error}", returncode=USAGE) from error

    def _show(self, library: Library | None, options: dict[str, Any]) -> None:
        policy = get_policy(library=library)
        change = get_policy_change(library=library)
        self._tell_policy(policy, change, as_json=options["json"])

    def _set(self, library: Library | None, options: dict[str, Any]) -> None:
        if options["follow_default"]:
            if library is None:
                raise LibraryUnknownError("Say which --library shall follow the default.")
            change = follow_default(library=library, note=options["note"])
        else:
            values = get_policy(library=library).values
            for setting in options["settings_"]:
                name, equals, text = setting.partition("=")
                if not equals:
                    raise InvalidPolicyError(f"{setting!r} is not of the form NAME=VALUE")
                values[name.strip()] = read_setting(name.strip(), text)
            policy = TagPolicy.from_values(values)
            change = set_policy(policy=policy, library=library, note=options["note"])
        self._tell_policy(get_policy(library=library), change, as_json=options["json"])

    def _tell_policy(
        self, policy: TagPolicy, change: PolicyChange | None, *, as_json: bool
    ) -> None:
        number = change.number if change else 0
        of = change.library.name if change and change.library else None
        if as_json:
            told = {"version": policy.version, "number": number, "library": of}
            self.stdout.write(json.dumps({**told, "settings": policy.values}))
            return
        whose = f"library {of}" if of else "all libraries without their own"
        self.stdout.write(f"policy {policy.version}: number {number} of {whose}")
        for name, value in policy.values.items():
            self.stdout.write(f"  {name} = {write_setting(value)}")

    def _history(self, library: Library | None, options: dict[str, Any]) -> None:
        changes = list(list_policy_changes(library=library))
        before = [*changes[1:], None]
        for change, older in zip(changes, before, strict=True):
            policy = _policy_of(change)
            told = differences(_policy_of(older), policy) if change.policy else []
            if options["json"]:
                values = {
                    "number": change.number,
                    "version": change.policy_id,
                    "created_at": change.created_at.isoformat(),
                    "changed_by": str(change.changed_by or ""),
                    "note": change.note,
                    "changes": told,
                }
                self.stdout.write(json.dumps(values))
                continue
            by = f" by {change.changed_by}" if change.changed_by else ""
            note = f": {change.note}" if change.note else ""
            name = change.policy_id or "follows the default"
            self.stdout.write(
                f"{change.number}  {change.created_at:%Y-%m-%d %H:%M}  {name}{by}{note}"
            )
            for line in told:
                self.stdout.write(f"     {line}")

    def _apply(self, library: Library | None, options: dict[str, Any]) -> None:
        """Re-derive, library by library; what is done stays done if this is interrupted."""
        libraries = [library] if library else list(Library.objects.order_by("pk"))
        files, began = 0, time.monotonic()
        for one in libraries:
            for plan in plan_rederivation(library=one):
                files += self._apply_plan(plan.work(), plan.count(), one.name)
        seconds = time.monotonic() - began
        if options["json"]:
            self.stdout.write(json.dumps({"files": files, "seconds": round(seconds, 3)}))
        elif files:
            self.stdout.write(f"{files:,} files have new tags; `earmark tag` writes them in.")
        else:
            self.stdout.write("Nothing to do: all tags follow from the policy of today.")

    def _apply_plan(self, batches: Any, total: int, name: str) -> int:
        done, told = 0, time.monotonic()
        for number in batches:
            done += number
            if time.monotonic() - told >= 1.0 or done == total:
                told = time.monotonic()
                self.stderr.write(f"{name}: {done:,} of {total:,} files")
        return done


def _policy_of(change: PolicyChange | None) -> TagPolicy:
    if change is None or change.policy is None:
        return TagPolicy()
    return TagPolicy.from_values(change.policy.values)
