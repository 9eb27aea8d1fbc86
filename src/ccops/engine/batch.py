"""Working many contacts off; what is still under way is put aside and looked at again at the end."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

from ccops.clock import Clock
from ccops.crm.base import Contact, Missing, NotSent, OutcomeUnknown, Rejected
from ccops.engine.apply import Applier, adopt
from ccops.engine.errors import ClockWrong, ReceiptFieldGone
from ccops.engine.outcomes import LOOK_LASTS, Adoption, AnyRequest, Outcome, Request, WorkItem, claim_of, outcome_of
from ccops.engine.prepare import Candidate, Send, prepare
from ccops.engine.tags import needs_release
from ccops.engine.verification import echoed
from ccops.errors import CcopsError, CredentialRefused, LedgerUnusable, Misconfigured, ServiceUnreachable
from ccops.ledger.model import Entry
from ccops.operations.occasion import tagging_of
from ccops.operations.plan import Plan, fields_read

T = TypeVar("T")
PoolJob = Callable[[], T]

_AHEAD: Final = 2
"""Jobs a worker that are taken from their source before they are begun."""


def spread(jobs: Iterable[PoolJob[T]], workers: int, stop: Callable[[], bool]) -> Iterator[T]:
    """Do jobs with at most so many threads, and give what each returned as soon as it is known.

    Asked to stop, or once a job or the source of jobs has failed, no more is begun; what is in hand is finished and
    given first. Raises the gravest failure then.
    """
    return _one_by_one(jobs, stop) if workers <= 1 else _ThreadPool[T](workers, stop).work(jobs)


def _one_by_one(jobs: Iterable[PoolJob[T]], stop: Callable[[], bool]) -> Iterator[T]:
    for job in jobs:
        if stop():
            return
        try:
            done = job()
        except KeyboardInterrupt:
            if stop():  # it would have had to wait for a contact that somebody else has
                return
            raise
        yield done


class _ThreadPool(Generic[T]):
    """Threads that take jobs from one queue; those of a program that is told to end at once die with it."""

    def __init__(self, workers: int, stop: Callable[[], bool]) -> None:
        self._workers, self._stop = workers, stop
        self._halted = threading.Event()
        self._jobs = SimpleQueue[PoolJob[T] | None]()
        self._ended = SimpleQueue[_Ended[T]]()
        self._threads = 0
        self._failures: list[BaseException] = []

    def work(self, jobs: Iterable[PoolJob[T]]) -> Iterator[T]:
        source, under_way, more = iter(jobs), 0, True
        try:
            while more or under_way:
                while more and under_way < self._workers * _AHEAD:
                    job = self._next(source)
                    more = job is not None
                    if job is not None:
                        self._hand_out(job)
                        under_way += 1
                if under_way:
                    ended = self._ended.get()
                    under_way -= 1
                    self._note(ended)
                    yield from ended.results
        finally:
            self._halted.set()
            for _ in range(self._threads):
                self._jobs.put(None)
        if self._failures:
            raise gravest(self._failures)

    def _next(self, source: Iterator[PoolJob[T]]) -> PoolJob[T] | None:
        """Take a job from its source, which may itself have to ask somebody; None if there are no more."""
        if self._is_over():
            return None
        try:
            return next(source, None)
        except Exception as error:  # noqa: BLE001 - raised once all that is in hand has ended
            self._failures.append(error)
            return None

    def _hand_out(self, job: PoolJob[T]) -> None:
        if self._threads < self._workers:
            self._threads += 1
            threading.Thread(target=self._loop, name=f"crew-{self._threads}", daemon=True).start()
        self._jobs.put(job)

    def _note(self, ended: "_Ended[T]") -> None:
        if ended.failure is not None and not (isinstance(ended.failure, KeyboardInterrupt) and self._stop()):
            self._failures.append(ended.failure)
            self._halted.set()

    def _is_over(self) -> bool:
        return self._halted.is_set() or self._stop()

    def _loop(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._ended.put(_Ended() if self._is_over() else _tried(job))


@dataclass(frozen=True, slots=True)
class _Ended(Generic[T]):
    """How a job ended: with a result, in vain, or (neither) without having been begun."""

    results: tuple[T, ...] = ()
    failure: BaseException | None = None


def _tried(job: PoolJob[T]) -> _Ended[T]:
    try:
        return _Ended((job(),))
    except BaseException as error:  # noqa: BLE001 - the thread that began the crew raises it
        return _Ended(failure=error)


def gravest(failures: list[BaseException]) -> BaseException:
    """Return the failure that speaks for all: a mistake of ours, the ledger's, the credential's, else the first."""
    return min(failures, key=_gravity)


def _gravity(failure: BaseException) -> int:
    if not isinstance(failure, CcopsError):
        return 0
    return next(
        (place for place, kind in enumerate((LedgerUnusable, CredentialRefused), 1) if isinstance(failure, kind)), 3
    )


# ---- trouble with one contact or operation, told apart from trouble with everything, so that it never stops the
# others

IN_A_ROW: Final = 3
"""So many contacts that fail one after the other, with none between that Kit answers for, mean trouble with all."""

_WITH_ALL: Final = (CredentialRefused, LedgerUnusable, ClockWrong, ReceiptFieldGone)
_PROVES: Final = frozenset({"applied", "failed", "parked"})
"""Outcomes for which Kit was asked and answered."""

Result = TypeVar("Result")


def is_of_one(error: CcopsError) -> bool:
    """Tell whether an error may be the trouble of one contact or operation alone."""
    if isinstance(error, ServiceUnreachable) and isinstance(error, NotSent | OutcomeUnknown):
        return False  # asked to stop, or sent to another host
    return not isinstance(error, _WITH_ALL)


def attempt(applier: Applier, asked: AnyRequest) -> Outcome:
    """Do what is asked for one contact; trouble that may be its own is in the outcome. Raises what is not."""
    try:
        return applier.apply(asked) if isinstance(asked, Request) else adopt(applier, asked)
    except CcopsError as error:
        if not is_of_one(error):
            raise
        return _troubled(applier, asked if isinstance(asked, Request) else asked.request, error)


def attempt_to_finish(applier: Applier, entry_id: int) -> Outcome:
    """Bring an entry to its end; trouble that may be its contact's own is in the outcome. Raises what is not."""
    try:
        return applier.finish(entry_id)
    except CcopsError as error:
        if not is_of_one(error):
            raise
        entry = applier.ledger.entries.get(entry_id)
        return _stuck(entry, _email(applier, entry.contact), error)


def _troubled(applier: Applier, request: Request, error: CcopsError) -> Outcome:
    who = request.who
    person = applier.ledger.people.by_email(who) if isinstance(who, str) else applier.ledger.people.by_id(who)
    contact = person.id if person is not None else who if isinstance(who, int) else None
    email = (person.email or None) if person is not None else who if isinstance(who, str) else None
    if contact is not None:
        entry = applier.ledger.entries.look(claim_of(request, contact, applier.clock.now())).entry
        if entry is not None:
            return _stuck(entry, email, error).to(request)
    return Outcome(
        "open", request.operation.name, request.occasion, who, contact, email, reason=str(error), error=error
    ).to(request)


def _stuck(entry: Entry, email: str | None, error: CcopsError) -> Outcome:
    status = outcome_of(entry, email).status
    return replace(
        outcome_of(entry, email), status="failed" if status == "failed" else "open", reason=str(error), error=error
    )


def _email(applier: Applier, contact: int) -> str | None:
    person = applier.ledger.people.by_id(contact)
    return person.email or None if person is not None else None


class FailureStreak(Generic[Result]):
    """Failures in a row, held back until it is known whether they are the contacts' own trouble.

    `mixed`: the work is of several operations, so that what is wrong with one is not wrong with all.
    """

    def __init__(self, *, mixed: bool) -> None:
        self._mixed = mixed
        self._held: list[tuple[Result, Outcome]] = []
        self._given = 0
        self.with_all: CcopsError | None = None
        """What turned out to be trouble with everything."""

    def take(self, task: Result, outcome: Outcome) -> Iterator[tuple[Result, Outcome]]:
        """Take an outcome, and give those of which it is known now that they stand."""
        error = outcome.error
        if error is None or (isinstance(error, Misconfigured) and self._mixed):
            if error is not None or _proves(outcome):
                yield from self.left()
            self._given += 1
            yield task, outcome
            return
        self._held.append((task, outcome))
        if isinstance(error, Misconfigured):
            self.with_all = self.with_all or error
        elif len(self._held) >= IN_A_ROW:
            self.with_all = self.with_all or self._held[0][1].error

    def rest(self) -> Iterator[tuple[Result, Outcome]]:
        """Give what is held back at the end; raises it if nothing else was done, so that nothing speaks against it."""
        error = self.with_all or (self._held[0][1].error if self._held and not self._given else None)
        if error is not None:
            raise error
        yield from self.left()

    def left(self) -> Iterator[tuple[Result, Outcome]]:
        """Give what is held back."""
        held, self._held = self._held, []
        self._given += len(held)
        yield from held


def _proves(outcome: Outcome) -> bool:
    refused = outcome.status == "refused" and outcome.entry is not None and outcome.entry.cause != "period"
    return refused or outcome.status in _PROVES


# ---- working many contacts off; what is still under way is put aside and looked at again at the end

ROUNDS: Final = 3
"""How often an open entry is looked at again before it is left to the next run of the same command."""

WORKERS: Final = 4
"""Threads that hide the latency of answers; Kit's allowance is two requests a second, or ten."""

Task = Callable[[], Outcome]
"""Does what there is to do for one contact; doing it again goes on where it stands."""


@dataclass(frozen=True, slots=True)
class ContactGroup:
    """Several contacts that are done in one go; `each` does one of them alone, in the order of the outcomes.

    Without an outcome, a contact is to be done alone.
    """

    do: Callable[[], Sequence[Outcome | None]]
    each: Sequence[Task]


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """What the work depends on beside its tasks: the clock, being asked to stop, and whom to tell of a wait."""

    clock: Clock
    stop: Callable[[], bool]
    waiting: Callable[[int, float], None]
    """Told how many contacts are waited for, and for how many seconds."""
    workers: int = 1
    mixed: bool = False
    """Whether the work is of several operations, so that what is wrong with one is not wrong with all."""


def work_off(tasks: Iterable[Task | ContactGroup], manners: BatchOptions) -> Iterator[Outcome]:
    """Do each task and give its outcome as soon as it is known; asked to stop, finish only what is in hand.

    Trouble with one contact is in its outcome, and the others go on. Raises trouble with everything: CredentialRefused,
    LedgerUnusable, FieldGone unless the work is `mixed`, and ServiceUnreachable once several contacts failed in a row.
    """
    aside: list[tuple[Task, Outcome]] = []
    failures = FailureStreak[Task](mixed=manners.mixed)
    for task, outcome in _done(tasks, manners, failures):
        if outcome.due is None:
            yield outcome
        else:
            aside.append((task, outcome))
    for _ in range(ROUNDS):
        if not aside or manners.stop():
            break
        _wait([outcome for _, outcome in aside], manners)
        left = {id(task): (task, outcome) for task, outcome in aside}
        for task, outcome in _done([task for task, _ in aside], manners, failures):
            left[id(task)] = (task, outcome)
            if outcome.due is None:
                del left[id(task)]
                yield outcome
        aside = list(left.values())
    yield from (outcome for _, outcome in aside)


def _done(
    tasks: Iterable[Task | ContactGroup], manners: BatchOptions, failures: FailureStreak[Task]
) -> Iterator[tuple[Task, Outcome]]:
    alone: list[Task] = []

    def is_over() -> bool:
        return manners.stop() or failures.with_all is not None

    for pairs in spread((partial(_do, task) for task in tasks), manners.workers, is_over):
        for task, outcome in pairs:
            if outcome is None:
                alone.append(task)
            else:
                yield from failures.take(task, outcome)
    if alone and not is_over():
        yield from _done(alone, manners, failures)
    elif manners.stop():
        yield from failures.left()
    else:
        yield from failures.rest()


def _do(task: Task | ContactGroup) -> Sequence[tuple[Task, Outcome | None]]:
    if not isinstance(task, ContactGroup):
        return [(task, task())]
    try:
        return list(zip(task.each, task.do(), strict=True))
    except CcopsError as error:
        if not is_of_one(error):
            raise
        return [(each, None) for each in task.each]  # alone, it shows whose trouble it is


def _wait(outcomes: list[Outcome], manners: BatchOptions) -> None:
    """Wait until the first of the open entries can be looked at."""
    due = min(outcome.due for outcome in outcomes if outcome.due is not None)
    seconds = (due - manners.clock.now()).total_seconds()
    if seconds > 0:
        manners.waiting(len(outcomes), seconds)
        manners.clock.sleep(seconds)


# ---- one operation applied to many contacts in one request, where the CRM takes many values at once
#
# The steps are those of `apply`, each committed for all contacts together before the act that it names. Only what is
# plain goes this way: a first claim, on a contact whose row in a list is as good as a read. All else is left to the
# applier.

_PUT_OFF: Final = (ServiceUnreachable, NotSent, OutcomeUnknown, Rejected, Missing)
"""Troubles with the tags of a contact, which is then released alone."""


@dataclass(slots=True)
class _Part:
    """One contact of a request for many: its entry, and the values that are sent."""

    work: WorkItem
    email: str
    values: Mapping[str, str]


class BulkApplier:
    """Applies requests, as many at once as the CRM takes."""

    def __init__(self, applier: Applier) -> None:
        self._applier = applier
        self._ledger = applier.ledger

    def tasks(self, requests: Iterable[AnyRequest | Task]) -> Iterator[Task | ContactGroup]:
        """Put requests together that can be; the others, and what is a task already, are tasks of their own."""
        most, waiting, values = self._applier.crm.most_at_once, dict[int, Request](), 0
        for request in requests:
            if isinstance(request, Adoption):
                yield partial(attempt, self._applier, request)
                continue
            if not isinstance(request, Request):
                yield request
                continue
            need = len(fields_read(request.operation)) + 1
            if request.row is None or need > most or self._planned(request, request.row) is None:
                yield partial(attempt, self._applier, request)
                continue
            if values + need > most or request.row.id in waiting:
                yield self._together(waiting)
                waiting, values = {}, 0
            waiting[request.row.id] = request
            values += need
        if waiting:
            yield self._together(waiting)

    def apply(self, requests: Mapping[int, Request]) -> Sequence[Outcome | None]:
        """Apply the requests of several contacts, by their ids; raises what stops all.

        One that was not plain after all has no outcome: the applier has to do it.
        """
        with self._ledger.locks.contacts(requests):
            with self._ledger.at_once():
                begun = ((contact, self._begin(request)) for contact, request in requests.items())
                parts = {contact: part for contact, part in begun if part is not None}
            self._write(parts)
            self._release([part.work for part in parts.values() if part.work.entry.status == "applied"])
        return [self._outcome(request, parts.get(contact)) for contact, request in requests.items()]

    def _together(self, requests: Mapping[int, Request]) -> ContactGroup:
        return ContactGroup(
            partial(self.apply, requests), [partial(attempt, self._applier, request) for request in requests.values()]
        )

    # ---- claim and plan

    def _planned(self, request: Request, row: Contact) -> Plan | None:
        """Return what is to be written, if the contact may go this way: nothing needs a read, a person or a word."""
        if request.restricts and row.state not in request.states:
            return None
        entries, facts = self._ledger.entries, self._applier.facts
        if entries.sending(row.id) is not None:
            return None
        known = self._ledger.people.by_id(row.id)
        if known is None or known.email != row.email:  # only a read can tell which address is the new one
            return None
        standing = entries.standing(row.id)
        if not facts.vouches_for(row, request.operation, standing):
            return None
        candidate = Candidate(request.operation, request.occasion, request.period)
        prepared = prepare(candidate, facts.facts(row.id, row, standing))
        if not isinstance(prepared.verdict, Send) or prepared.late is not None or prepared.warnings:
            return None
        return prepared.verdict.plan

    def _begin(self, request: Request) -> _Part | None:
        """Claim an occasion, and note what is about to be sent for it; None leaves the request to the applier."""
        entries, row, now = self._ledger.entries, request.row, self._applier.clock.now()
        planned = None if row is None else self._planned(request, row)
        if row is None or planned is None:
            return None
        claim = claim_of(request, row.id, now)
        # Only looked at first: a claim that is answered otherwise would leave that answer for the applier to find.
        if entries.look(claim).kind != "begun":
            return None
        claimed = entries.claim(claim).entry
        if claimed is None:
            return None
        identity = self._ledger.identity
        before = {change.field: change.before for change in planned.changes}
        after = {change.field: change.after for change in planned.changes}
        seen = row.fields[identity.receipt_field] or None
        entry = entries.send(claimed, before, after, seen, planned.note, now, apart=True)
        receipt = identity.lineage.receipt(entry.id, entry.sends)
        return _Part(WorkItem(entry), row.email, {**after, identity.receipt_field: receipt})

    # ---- write and confirm

    def _write(self, parts: Mapping[int, _Part]) -> None:
        """Send all values in one request, and commit what its answer proves; the rest stays as sent, to be settled."""
        if not parts:
            return
        try:
            written = self._applier.crm.write_many({contact: part.values for contact, part in parts.items()})
        except OutcomeUnknown:
            return
        except (NotSent, Rejected, Missing):
            self._take_back(parts.values())  # one by one it shows whose trouble it is
            return
        except CredentialRefused:
            self._take_back(parts.values())
            raise
        with self._ledger.at_once():
            for contact, part in parts.items():
                if echoed(part.values, written.echoed.get(contact, {})):
                    self._confirm(part.work)
        self._take_back([part for contact, part in parts.items() if contact in written.untouched])

    def _confirm(self, work: WorkItem) -> None:
        released = not needs_release(work.entry)
        work.entry = self._ledger.entries.confirm(work.entry, self._applier.clock.now(), released=released)

    def _take_back(self, parts: Iterable[_Part]) -> None:
        """Note of entries that their values certainly have no effect."""
        with self._ledger.at_once():
            for part in parts:
                part.work.entry = self._ledger.entries.not_sent(part.work.entry)

    # ---- release

    def _release(self, works: Sequence[WorkItem]) -> None:
        """Take trigger tags off, as many at once as can be; other tags, and what fails, one by one."""
        tagged: dict[int, list[WorkItem]] = {}
        for work in works:
            tagging = tagging_of(work.entry.occasion)
            if tagging is not None and not work.entry.released and self._applier.releaser.only_takes_off(work.entry):
                tagged.setdefault(tagging.tag, []).append(work)
        for tag, theirs in tagged.items():
            self._take_off(tag, theirs)
        for work in works:
            if not work.entry.released:
                work.entry = self._applier.releaser.release(work.entry, work.warnings, work.look)

    def _take_off(self, tag: int, works: Iterable[WorkItem]) -> None:
        """Take a tag off the contacts that still have the tagging; none of the looks at them grows old meanwhile."""
        seen: list[WorkItem] = []
        for work in works:
            if seen and self._is_old(seen[0]):
                self._untag(tag, seen)
                seen = []
            try:
                work.look = self._applier.releaser.look(work.entry.contact)
            except _PUT_OFF:
                continue
            tagging = tagging_of(work.entry.occasion)
            if tagging is not None and work.look.shows(tagging.tag, tagging.at):
                seen.append(work)
        if seen:
            self._untag(tag, seen)

    def _is_old(self, work: WorkItem) -> bool:
        return work.look is None or self._applier.clock.now() - work.look.at > LOOK_LASTS / 2

    def _untag(self, tag: int, works: Sequence[WorkItem]) -> None:
        try:
            off = self._applier.crm.remove_tag_of_many(tag, [work.entry.contact for work in works])
        except _PUT_OFF:
            off = frozenset()
        with self._ledger.at_once():
            for work in works:
                work.look = None  # it may show a tagging that came off by this very request
                if work.entry.contact in off:
                    work.entry = self._ledger.entries.release(work.entry)

    # ---- what came out

    def _outcome(self, request: Request, part: _Part | None) -> Outcome | None:
        """Tell how a contact ended; None if it was not plain after all."""
        if part is None or part.work.entry.status == "intended":
            return None
        work = part.work
        due = self._applier.due(work.entry) if work.entry.status == "sending" else None
        return outcome_of(work.entry, part.email, tuple(work.warnings), due).to(request)
