"""`webhook remove`: webhooks gone from Kit."""

from typing import TYPE_CHECKING

from ccops.cli.webhook.places import TooMuchNamed, bench_of, known_base

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.engine.hooks import Row


def remove_webhooks(session: "Session", name: str | None, url: str | None, *, all_left_over: bool, yes: bool) -> None:
    """Remove those of one operation, those that are left over, or all of this home."""
    if name is not None and all_left_over:
        raise TooMuchNamed
    base = known_base(session, url)
    if name is not None:
        _remove_of(session, name, base)
    elif all_left_over:
        _remove_left_over(session, base, yes=yes)
    else:
        _remove_all(session, base, yes=yes)


def _remove_of(session: "Session", name: str, base: str | None) -> None:
    """Remove an operation's own webhooks; the signed one too if no other operation needs it."""
    from ccops.triggers.hooking.removing import remove_legacy, remove_signed

    session.operation(name)
    bench, console = bench_of(session), session.console
    removed = remove_legacy(bench, name, base)
    others = [each.name for each in session.registry.operations.values() if each.tag and each.name != name]
    if not others and remove_signed(bench):
        removed += 1
    console.say(f"Removed {_count(removed)} of {name} from Kit." if removed else f"Kit has no webhook of {name} alone.")
    if others and _is_signed(session):
        console.advise("Kit's signed webhook stays: it is for all operations. To let this one wait:")
        console.note(f"  ccops op pause {name}")


def _is_signed(session: "Session") -> bool:
    from ccops.registry.secrets import load_secrets

    return load_secrets(session.home).kit_webhook_id is not None


def _remove_left_over(session: "Session", base: str | None, *, yes: bool) -> None:
    from ccops.triggers.hooking.removing import remove_rows, survey

    bench = bench_of(session)
    rows = [row for row in survey(bench, session.registry.operations, base) if row.state == "left-over"]
    if not rows:
        session.console.say("No webhook is left over.")
    elif _confirmed(session, rows, yes=yes):
        session.console.say(f"Removed {_count(remove_rows(bench, rows))} from Kit.")


def _remove_all(session: "Session", base: str | None, *, yes: bool) -> None:
    from ccops.registry.secrets import load_secrets
    from ccops.triggers.hooking.removing import remove_legacy, remove_signed, survey

    bench, operations = bench_of(session), session.registry.operations
    rows = [row for row in survey(bench, operations, base) if row.id is not None and row.state != "foreign"]
    if not rows:
        session.console.say("Kit has no webhooks of this home.")
    elif _confirmed(session, rows, yes=yes):
        names = {*operations, *load_secrets(session.home).kit_hooks, *(row.operation for row in rows if row.operation)}
        removed = sum(remove_legacy(bench, name, base) for name in sorted(names)) + remove_signed(bench)
        session.console.say(f"Removed {_count(removed)} from Kit.")


def _confirmed(session: "Session", rows: "list[Row]", *, yes: bool) -> bool:
    if yes:
        return True
    for row in rows:
        session.console.note(f"  {row.operation or '(all)'}  {row.kind}  {row.url}")
    if session.questions.confirm(f"Remove {_count(len(rows))} from Kit?"):
        return True
    session.console.note("Nothing was changed.")
    return False


def _count(webhooks: int) -> str:
    return "1 webhook" if webhooks == 1 else f"{webhooks} webhooks"
