"""The receiver's own look for trigger tags, at its start and every so often: what no webhook told of is found."""

import threading
from collections.abc import Callable
from datetime import timedelta

from ccops.engine.heart import Heart
from ccops.engine.many import WORKERS, Manners, work_off
from ccops.engine.request import Outcome
from ccops.errors import CcopsError
from ccops.ledger.model import Origin
from ccops.ledger.runs import Started
from ccops.operations.model import Registry
from ccops.triggers.polling import Troubles, alone, poll_round
from ccops.triggers.reminding import reminders

TITLE = "poll"


class Rounds:
    """Polls in a thread of its own until `stop` is set; `tell` hears what a person has to know."""

    def __init__(
        self,
        heart: Heart,
        registry: Callable[[], Registry],
        by: str,
        every: timedelta,
        *,
        stop: threading.Event,
        tell: Callable[[str], None],
        show: Callable[[Outcome], None],
    ) -> None:
        self._heart, self._registry, self._by, self._every = heart, registry, by, every
        self._stop, self._tell, self._show = stop, tell, show
        self._thread = threading.Thread(target=self._loop, name="poll")

    def start(self) -> None:
        """Begin with a round."""
        self._thread.start()

    def join(self) -> None:
        """Return once the contact in hand is finished, after `stop` was set."""
        self._thread.join()

    def _loop(self) -> None:
        while not self._stop.is_set():
            self.round()
            self._stop.wait(self._every.total_seconds())

    def round(self) -> None:
        """Look once; trouble is told, and the next round comes all the same."""
        try:
            with alone(self._heart.ledger) as busy:
                if busy is None:
                    self._look()
        except CcopsError as error:
            if not self._stop.is_set():
                self._tell(f"poll: {error}")
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the rounds silently
            self._tell(f"internal error in poll: {type(error).__name__}; the next round comes all the same")

    def _look(self) -> None:
        runs, started = self._heart.ledger.runs, list[Started]()
        clock = self._heart.clock

        def begin() -> tuple[int, Origin]:
            started.append(runs.start(TITLE, TITLE, self._by, clock.now(), new=True))
            return started[0].run.id, Origin(self._by, "poll")

        for text in reminders(self._heart.ledger, self._registry().operations.values(), clock.now()):
            self._tell(text)
        manners = Manners(clock, self._stop.is_set, lambda _count, _seconds: None, WORKERS, mixed=True)
        troubles = Troubles()
        tasks = poll_round(self._heart, self._registry().operations.values(), begin, troubles)
        try:
            for outcome in work_off(tasks, manners):
                troubles.note(outcome)
                self._show(outcome)
            for operation, error in troubles.found.items():
                self._tell(f"poll: {operation}: {error}{_fix(error)}")
        finally:
            for run in started:
                runs.stop(run, 0, clock.now(), ended=True)


def _fix(error: CcopsError) -> str:
    return f" ({' && '.join(error.mend.splitlines())})" if error.mend else ""
