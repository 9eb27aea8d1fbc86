"""What can go wrong when a sandbox is started."""

from pathlib import Path

from ccops.errors import Misconfigured


class PortTaken(Misconfigured):
    """Another program listens where the sandbox was to."""

    def __init__(self, port: int, why: str) -> None:
        super().__init__(f"The sandbox can't listen on port {port}: {why}.")
        self.mend = "ccops sandbox --port 0   (any free port)"


class StateUnusable(Misconfigured):
    """The file that is to hold the sandbox's contacts can't be used."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"The sandbox can't keep its contacts in {path}: {why}.")
        self.mend = f"Move {path} away; the sandbox then starts anew with its example contacts."
