"""The report as objects for programs, one for each row; `part` says what a row is."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from ccops.cli.showing import entry_object
from ccops.clock import iso
from ccops.operations.numbers import plain
from ccops.report.figures.model import Balances, Flow, Holding, Month, Need, Refusal, Report

Object = Mapping[str, object]


def objects(report: Report) -> Iterator[Object]:
    """Give all rows, part by part; scripts depend on their keys."""
    yield from map(_balances, report.balances)
    yield from map(_month, report.moved)
    yield from map(_refusal, report.refusals)
    yield from map(_need, report.needs)
    for seen in report.recent.lines:
        yield {"part": "change", **entry_object(seen.entry, seen.email)}


def _balances(each: Balances) -> Object:
    return {
        "part": "balance",
        "field": each.field,
        "contacts": each.contacts,
        "unreadable": each.unreadable,
        "total": plain(each.total),
        "median": plain(each.median),
        "lowest": [*map(_holding, each.lowest)],
        "highest": [*map(_holding, each.highest)],
        "bands": [
            {"from": _text(band.low), "below": _text(band.high), "contacts": band.contacts} for band in each.bands
        ],
        "flow": _flow(each.flow),
    }


def _flow(flow: Flow) -> Object:
    return {
        "started": plain(flow.started),
        "granted": plain(flow.granted),
        "spent": plain(flow.spent),
        "undone": plain(flow.undone),
        "otherwise": plain(flow.otherwise),
    }


def _holding(holding: Holding) -> Object:
    return {"contact": {"id": holding.contact, "email": holding.email}, "value": plain(holding.value)}


def _month(moved: Month) -> Object:
    return {
        "part": "month",
        "month": moved.month,
        "operation": moved.operation,
        "field": moved.field,
        "changes": moved.changes,
        "granted": _text(moved.granted),
        "spent": _text(moved.spent),
        "undone": _text(moved.undone),
    }


def _refusal(refusal: Refusal) -> Object:
    return {
        "part": "refusal",
        "operation": refusal.operation,
        "status": refusal.kind,
        "cause": refusal.cause or None,
        "count": refusal.count,
        "last": iso(refusal.last),
        "reasons": [{"reason": reason.text, "count": reason.count} for reason in refusal.reasons],
        "more": refusal.more,
    }


def _need(need: Need) -> Object:
    return {
        "part": "need",
        "kind": need.kind,
        "name": need.name,
        "contact": need.contact,
        "operation": need.operation,
        "reason": need.text,
        "since": iso(need.since),
        "mend": list(need.mend),
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)
