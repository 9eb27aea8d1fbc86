"""Command lines that are mistakes: what each is, and the error that it gets."""

from tests.cli.sites import KEY

ANN = "ann@example.org"
KEY_RULE = "use 1 to 200 visible characters, such as an invoice number"
TYPED_KEY = (
    "--key names the occasion, such as an invoice number; what you gave is your API key. Nothing was sent or stored. "
    "It may stand in your shell's history now: take it out there, or make a new key in Kit."
)
NOT_POSITIVE = (
    "can't be: give a number above 0. Nothing was sent. To take credits, use an operation that decreases, or "
    "ccops adjust … --take."
)
BELOW_ZERO = "can't be: give a number above 0. Nothing was changed. To do the opposite:"
TOLD_KEY = (
    "--reason holds your API key. Nothing was sent or stored. It may stand in your shell's history now: take it out "
    "there, or make a new key in Kit."
)
PERIOD_OF_WHAT = (
    "--period needs --once-per, since payment-credit has no once_per. Nothing was sent.\n"
    "ccops run payment-credit … --once-per month --period 2026-10"
)
OTHER_PERIOD = (
    "monthly-grant counts once per month (once_per in operations.toml), so --once-per day can't hold. Nothing was "
    "sent. Leave --once-per out, or change the operation."
)
ONE_OF_THREE = (
    'give one of --add, --take and --set. Nothing was sent.\nccops adjust ann@example.org credits --add 10 --reason "…"'
)
NO_CONTACT = "is neither an e-mail address nor Kit's id of a contact. Nothing was sent."
NO_ENTRY = "is not the name of an entry, such as e4711. Nothing was sent."

RUN = ("run", "payment-credit", ANN)
MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "an operation with a slip": (
        ("run", "paiment-credit", ANN),
        'no operation is called "paiment-credit". Nothing was sent. Did you mean:\nccops run payment-credit ' + ANN,
    ),
    "an operation like none": (("run", "zzz", ANN), 'no operation is called "zzz". Nothing was sent.\nccops op list'),
    "an operation of escapes and markup": (
        ("run", "\x1b[31m[/b]", ANN),
        'no operation is called "\\x1b[31m[/b]". Nothing was sent.\nccops op list',
    ),
    "a slip beside the key": (
        ("run", "paiment-credit", ANN, "--key", KEY),
        'no operation is called "paiment-credit". Nothing was sent. Did you mean:\npayment-credit',
    ),
    "the key for an operation": (("run", KEY, ANN), 'no operation is called "***". Nothing was sent.\nccops op list'),
    "the key for a contact": (("run", "payment-credit", KEY), f'"***" {NO_CONTACT}'),
    "a name for a contact": (("run", "payment-credit", "ann"), f'"ann" {NO_CONTACT}'),
    "half an address": (("run", "payment-credit", "ann@"), f'"ann@" {NO_CONTACT}'),
    "a blank in an address": (("run", "payment-credit", "a nn@example.org"), f'"a nn@example.org" {NO_CONTACT}'),
    "two addresses in a word": (("run", "payment-credit", "a@x.org,b@x.org"), f'"a@x.org,b@x.org" {NO_CONTACT}'),
    "an address with escapes": (("run", "payment-credit", "\x1b[31ma@x.org"), f'"\\x1b[31ma@x.org" {NO_CONTACT}'),
    "nothing for a contact": (("run", "payment-credit", ""), f'"" {NO_CONTACT}'),
    "the id 0": (("run", "payment-credit", "0"), f'"0" {NO_CONTACT}'),
    "an id below 0": (("run", "payment-credit", "--", "-5"), f'"-5" {NO_CONTACT}'),
    "an id of 25 digits": (("run", "payment-credit", "9" * 25), f'"{"9" * 25}" {NO_CONTACT}'),
    "one contact of two": (("run", "payment-credit", ANN, "bob"), f'"bob" {NO_CONTACT}'),
    "no contact": (
        ("run", "payment-credit"),
        (
            "name contacts, or choose them by one of --tagged, --file and --all. Nothing was sent.\n"
            "ccops run payment-credit --help"
        ),
    ),
    "an empty key": ((*RUN, "--key", ""), f'the key "" can\'t be used.\n{KEY_RULE}'),
    "a blank key": ((*RUN, "--key", " "), f'the key " " can\'t be used.\n{KEY_RULE}'),
    "a key of two lines": ((*RUN, "--key", "a\nb"), f'the key "a\\nb" can\'t be used.\n{KEY_RULE}'),
    "a key with escapes": ((*RUN, "--key", "a\x1b[0m"), f'the key "a\\x1b[0m" can\'t be used.\n{KEY_RULE}'),
    "a key too long": (
        (*RUN, "--key", "x" * 201),
        f'the key "{"x" * 40}…" (201 characters) can\'t be used.\n{KEY_RULE}',
    ),
    "the API key as key": ((*RUN, "--key", KEY), TYPED_KEY),
    "the API key as key of an adjustment": (("adjust", ANN, "credits", "--add", "1", "--key", f" {KEY}"), TYPED_KEY),
    "the API key within the key": ((*RUN, "--key", f"invoice {KEY}"), TYPED_KEY),
    "the API key within the reason": ((*RUN, "--reason", f"with {KEY}"), TOLD_KEY),
    "a period without once_per": (
        (*RUN, "--period", "2026-10"),
        PERIOD_OF_WHAT,
    ),
    "a month that is none": (
        ("run", "monthly-grant", ANN, "--period", "2026-13"),
        '"2026-13" names no month.\nwrite it like 2026-11',
    ),
    "a month in words": (
        ("run", "monthly-grant", ANN, "--period", "October"),
        '"October" names no month.\nwrite it like 2026-11',
    ),
    "a day for a month": (
        ("run", "monthly-grant", ANN, "--period", "2026-10-01"),
        '"2026-10-01" names no month.\nwrite it like 2026-11',
    ),
    "a month from an unset variable": (
        ("run", "monthly-grant", ANN, "--period", ""),
        '"" names no month.\nwrite it like 2026-11',
    ),
    "a once-per against the registry": (
        ("run", "monthly-grant", ANN, "--once-per", "day"),
        OTHER_PERIOD,
    ),
    "a once-per that is none": (
        ("run", "monthly-grant", ANN, "--once-per", "moon"),
        "--once-per is one of day, week, month, quarter, year, ever, run.\nccops run --help",
    ),
    "an amount where none is": (
        ("run", "mark", ANN, "--amount", "5"),
        "mark takes no other amount: none of its changes has one. Nothing was sent.\nccops op show mark",
    ),
    "an amount of 0": ((*RUN, "--amount", "0"), f"--amount 0 {NOT_POSITIVE}"),
    "an amount below 0": ((*RUN, "--amount", "-3"), f"--amount -3 {NOT_POSITIVE}"),
    "adding less than nothing": (
        ("adjust", ANN, "credits", "--add", "-3", "--reason", "paid back"),
        f"--add -3 {BELOW_ZERO}\nccops adjust {ANN} credits --take 3 --reason 'paid back'",
    ),
    "adding less than nothing, once": (
        ("adjust", ANN, "credits", "--add", "-3", "--key", "invoice-7"),
        f"--add -3 {BELOW_ZERO}\n--take 3",
    ),
    "taking nothing": (("adjust", ANN, "credits", "--take", "0"), f"--take 0 {NOT_POSITIVE}"),
    "an adjustment by nothing": (("adjust", ANN, "credits"), ONE_OF_THREE),
    "an adjustment by two": (("adjust", ANN, "credits", "--add", "1", "--take", "1"), ONE_OF_THREE),
    "an entry that is none": (("undo", "e999"), "the ledger has no entry e999. Nothing was sent.\nccops history"),
    "an entry without its letter": (("undo", "4711"), f'"4711" {NO_ENTRY}\nccops history'),
    "an entry of other digits": (("undo", "e１"), f'"e１" {NO_ENTRY}\nccops history'),  # noqa: RUF001
    "the API key for an entry": (("undo", KEY), f'"***" {NO_ENTRY}\nccops history'),
    "a run that is none": (
        ("undo", "--run", "r9"),
        "the ledger has no run r9. Nothing was sent.\nccops history --runs",
    ),
    "a run without its letter": (
        ("undo", "--run", "31"),
        '"31" is not the name of a run, such as r31. Nothing was sent.\nccops history --runs',
    ),
    "undoing nothing": (
        ("undo",),
        'give the entries to take back, or --run with the run. Nothing was sent.\nccops undo e4711 --reason "…"',
    ),
    "settling what is not there": (
        ("settle", "e999", "--as", "applied"),
        "the ledger has no entry e999. Nothing was sent.\nccops history",
    ),
    "settling without a word": (
        ("settle", "e1"),
        "name both, the entry and what you found: --as applied or --as not-applied.\nccops settle e4711 --as applied",
    ),
    "settling by another word": (
        ("settle", "e1", "--as", "maybe"),
        "--as is one of applied, not-applied, lost.\nccops settle --help",
    ),
}
