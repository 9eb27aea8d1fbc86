"""What the demo tells, scene by scene; each returns the exit status of what it ran."""

from typing import TYPE_CHECKING, Final

from ccops.cli.demo.stage import SETTLE_AFTER

if TYPE_CHECKING:
    from ccops.cli.demo.stage import Stage

ANN: Final = "ann@example.org"
CREDIT: Final = "payment-credit"
TAG: Final = f"ccops: {CREDIT}"


def tell(stage: "Stage") -> int:
    """Tell the whole story; it ends early, with that status, where a command does not do what it should."""
    stage.tell(
        'A membership site keeps credits in the field "credits" of its contacts in Kit;',
        "each payment adds 10. Here, Kit is a stand-in that runs on this machine only.",
        "The commands and what they print are real.",
    )
    return _set_up(stage) or _define(stage) or _payment(stage) or _crash(stage) or _look_back(stage) or _farewell(stage)


def _set_up(stage: "Stage") -> int:
    stage.heading("1. A home for settings, operations and the ledger")
    return stage.type("init", "--yes", "--save-key")


def _define(stage: "Stage") -> int:
    stage.heading("2. An operation, and a tag of its own that starts it")
    return stage.type("op", "add", CREDIT, "--field", "credits", "--increase", "10", "--tag")


def _payment(stage: "Stage") -> int:
    stage.heading("3. Ann pays, and the automation in Kit gives her the tag")
    kit = stage.kit
    ann = kit.contact_id(ANN)
    with stage.serving() as address:
        status = stage.type("webhook", "create", "--url", address)
        kit.tag(ann, TAG)  # what a Kit automation does after a payment
        stage.await_calls(lambda: TAG not in kit.tags_of(ann))
        kit.deliver_again()
        stage.await_calls(lambda: True)
        stage.tell("Kit has called ccops serve, and again, as it does when an answer is lost.")
        stage.tell("And this looks for the tag itself:")
        status = status or stage.type("poll")
    tags = ", ".join(f'"{name}"' for name in kit.tags_of(ann))
    stage.tell(
        f"Her credits now: {kit.field_values(ann)['credits']}, told three ways and counted once.",
        f"Her tags now: {tags}. Her next payment can add the other again.",
    )
    return status


def _crash(stage: "Stage") -> int:
    words = ("run", CREDIT, ANN, "--key", "invoice-1042")
    stage.heading("4. The power fails just after Kit took a change, before ccops heard of it")
    stage.type_and_crash(*words)
    stage.tell(f"(killed)  The same again: it waits ({SETTLE_AFTER} s here, else 60), looks, and counts once.")
    status = stage.type(*words)
    stage.tell("And once more, by mistake:")
    return status or stage.type(*words)


def _look_back(stage: "Stage") -> int:
    stage.heading("5. Every change can be explained, and taken back")
    return (
        stage.type("history", ANN)
        or stage.type("undo", "e2", "--reason", "invoice cancelled")
        or stage.type("balance", ANN)
    )


def _farewell(stage: "Stage") -> int:
    stage.heading("That was all; its home is gone again. Your turn, once ccops is installed:")
    stage.tell(
        "  ccops init --sandbox   set up a home for rehearsals, without an account",
        "  ccops init             set up your own home; asks for the key of your account",
        "  ccops op add           define an operation; asks what it is to do",
    )
    return 0
