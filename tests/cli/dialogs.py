"""How tests talk with ccops: at a terminal, question by question, or through a pipe; and what it must never say."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import requests

from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended

KEY = "kit_0123456789abcdefSECRET"
OTHER_KEY = "kit_fedcba9876543210SECRET"

_PATIENCE = 120.0
_AS_ANYBODY = """
import ctypes, os, sys
DROP_FROM_BOUNDING_SET, DAC_OVERRIDE = 24, 1  # linux/prctl.h, linux/capability.h
ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, DAC_OVERRIDE, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def talk(
    environ: Mapping[str, str], words: Sequence[str], answers: Sequence[tuple[str, str | Callable[[str], str]]]
) -> Ended:
    """Call ccops at a terminal of 80 columns; type each answer once the screen shows the question before it.

    An answer that is a function makes what is typed from what the screen has shown so far.
    """
    main, side = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "ccops", *words], env={**environ}, stdin=side, stdout=side, stderr=side
    )
    os.close(side)
    screen = ""
    for question, answer in answers:
        shown = _until(main, question)
        assert question in shown, f"never asked {question!r}: {screen + shown}"
        screen += shown
        typed = answer if isinstance(answer, str) else answer(screen)
        os.write(main, f"{typed}\n".encode())
    screen += _until(main, None)
    os.close(main)
    return Ended(child.wait(_PATIENCE), screen.replace("\r\n", "\n"), "")


def piped(environ: Mapping[str, str], words: Sequence[str], text: str = "", *, as_anybody: bool = False) -> Ended:
    """Call ccops with a text on its standard input; `as_anybody` without the superuser's right to write everywhere."""
    program = [sys.executable, *(["-c", _AS_ANYBODY] if as_anybody else []), "-m", "ccops", *words]
    done = subprocess.run(
        program, env={**environ}, input=text, capture_output=True, text=True, check=False, timeout=_PATIENCE
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def delete_field(kit: Sandbox, label: str) -> None:
    """Delete a custom field, as its owner can in Kit."""
    call_kit(kit, "DELETE", f"/v4/custom_fields/{_field(kit, label)}")


def rename_field(kit: Sandbox, label: str, new: str) -> None:
    """Give a custom field another label, as its owner can in Kit."""
    call_kit(kit, "PUT", f"/v4/custom_fields/{_field(kit, label)}", {"label": new})


def call_kit(kit: Sandbox, method: str, path: str, body: Mapping[str, object] | None = None) -> requests.Response:
    """Ask Kit for something past ccops."""
    headers = {"X-Kit-Api-Key": kit.settings.key}
    answer = requests.request(method, kit.url + path, headers=headers, json=body, timeout=60)
    answer.raise_for_status()
    return answer


def _field(kit: Sandbox, label: str) -> int:
    rows = call_kit(kit, "GET", "/v4/custom_fields").json()["custom_fields"]
    return next(int(row["id"]) for row in rows if row["label"] == label)


def keeps_secrets(ended: Ended) -> Ended:
    """Return what a call left, once it is sure that no credential is in it."""
    for secret in (KEY, OTHER_KEY):
        assert secret not in ended.out + ended.err
    return ended


def _until(descriptor: int, text: str | None) -> str:
    """Read until a text is there, or (None) until the other side closes the terminal."""
    chunks, end = "", time.monotonic() + _PATIENCE
    while text is None or text not in chunks:
        if not select.select([descriptor], [], [], max(end - time.monotonic(), 0))[0]:
            break
        try:
            chunk = os.read(descriptor, 4096)
        except OSError:  # how Linux says that the last writer is gone
            break
        if not chunk:
            break
        chunks += chunk.decode()
    return chunks
