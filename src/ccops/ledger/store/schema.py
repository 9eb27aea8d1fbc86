"""The tables of the ledger, as forward migrations: each runs once, in one transaction with the number that records it.

The SQL is kept plain enough for PostgreSQL. Moments are ISO texts in UTC with milliseconds, values JSON objects.
"""

from typing import Final

APPLICATION_ID: Final = 0x63636F70
"""Marks the SQLite file as a ledger of ccops ("ccop")."""

_FIRST: Final = (
    """
    CREATE TABLE identity (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    )
    """,
    # Ids that receipts of this ledger carry, or are accepted with. A take-over starts a new one.
    """
    CREATE TABLE lineage (
        ledger TEXT PRIMARY KEY,
        first_entry INTEGER
    )
    """,
    "CREATE TABLE credentials (hash TEXT PRIMARY KEY)",
    "CREATE TABLE tags (tag INTEGER PRIMARY KEY, name TEXT NOT NULL, operation TEXT NOT NULL)",
    """
    CREATE TABLE contacts (
        id INTEGER PRIMARY KEY,
        email TEXT NOT NULL,
        email_key TEXT NOT NULL,
        accepted TEXT
    )
    """,
    "CREATE INDEX contacts_by_email ON contacts (email_key)",
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        words TEXT NOT NULL,
        title TEXT NOT NULL,
        "by" TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        exit_status INTEGER
    )
    """,
    "CREATE INDEX runs_by_words ON runs (words, id)",
    "CREATE TABLE copies (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",
    """
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        run INTEGER NOT NULL REFERENCES runs (id),
        operation TEXT NOT NULL,
        copy INTEGER NOT NULL REFERENCES copies (id),
        contact INTEGER NOT NULL,
        occasion TEXT NOT NULL,
        period TEXT,
        asked TEXT,
        status TEXT NOT NULL CHECK
            (status IN ('intended', 'sending', 'applied', 'undone', 'refused', 'failed', 'parked')),
        cause TEXT,
        reason TEXT,
        note TEXT,
        "by" TEXT NOT NULL,
        via TEXT NOT NULL,
        "before" TEXT,
        "after" TEXT,
        receipt_seen TEXT,
        turn INTEGER,
        sends INTEGER NOT NULL DEFAULT 0,
        undoes INTEGER REFERENCES entries (id),
        undone_by INTEGER REFERENCES entries (id),
        reopens INTEGER NOT NULL DEFAULT 0,
        reopened INTEGER NOT NULL DEFAULT 0,
        at TEXT NOT NULL,
        sent_at TEXT,
        ended_at TEXT,
        followups TEXT,
        released INTEGER NOT NULL DEFAULT 0
    )
    """,
    # An occasion counts once; a reopened one may run again.
    "CREATE UNIQUE INDEX one_per_occasion ON entries (operation, contact, occasion) WHERE reopened = 0",
    # A period counts once, whatever starts the operation.
    """
    CREATE UNIQUE INDEX one_per_period ON entries (operation, contact, period)
        WHERE period IS NOT NULL AND reopened = 0
        AND status IN ('intended', 'sending', 'applied', 'undone', 'parked')
    """,
    # Two writes to one contact must never be under way together.
    "CREATE UNIQUE INDEX one_sending ON entries (contact) WHERE status = 'sending'",
    "CREATE INDEX entries_of_contact ON entries (contact, turn)",
    "CREATE INDEX entries_of_run ON entries (run)",
    "CREATE INDEX entries_of_operation ON entries (operation, id)",
    "CREATE INDEX entries_unreleased ON entries (id) WHERE released = 0 AND status IN ('applied', 'undone')",
    """
    CREATE INDEX entries_unfinished ON entries (status, id)
        WHERE status NOT IN ('applied', 'undone')
    """,
)

_SECOND: Final = (
    # What came in from outside; the sender hears of success only once its row is here.
    """
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL CHECK (kind IN ('legacy', 'kit', 'post')),
        operation TEXT NOT NULL,
        who TEXT NOT NULL,
        at TEXT NOT NULL,
        received_at TEXT NOT NULL,
        key TEXT,
        fingerprint TEXT,
        amount TEXT,
        note TEXT,
        state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'parked')),
        tries INTEGER NOT NULL DEFAULT 0,
        not_before TEXT NOT NULL,
        entry INTEGER REFERENCES entries (id),
        status TEXT,
        reason TEXT,
        ended_at TEXT
    )
    """,
    # The same key is the same event.
    "CREATE UNIQUE INDEX one_per_key ON events (operation, key, kind) WHERE key IS NOT NULL",
    """
    CREATE INDEX events_by_fingerprint ON events (operation, fingerprint, received_at)
        WHERE fingerprint IS NOT NULL
    """,
    "CREATE INDEX events_due ON events (not_before, id) WHERE state = 'waiting'",
    "CREATE INDEX hints_due ON events (operation, who) WHERE state = 'waiting' AND kind <> 'post'",
    "CREATE INDEX events_parked ON events (id) WHERE state = 'parked'",
)

LOOSE: Final = "apart = 1 AND (status IN ('intended', 'refused', 'failed') OR sends > 1)"
"""Marks entries a row of which may still come late; only a query that says it word for word uses their index."""

_THIRD: Final = (
    # Values and receipt sent as rows of their own, any of which may have arrived without the others.
    "ALTER TABLE entries ADD COLUMN apart INTEGER NOT NULL DEFAULT 0",
    f"CREATE INDEX entries_loose ON entries (contact) WHERE {LOOSE}",
    # What people look back for: what came to its end since a moment, what was undone, what came in for a contact.
    "CREATE INDEX entries_by_end ON entries (ended_at) WHERE ended_at IS NOT NULL",
    "CREATE INDEX entries_undone ON entries (id) WHERE status = 'undone'",
    "CREATE INDEX events_of_contact ON events (who, id)",
)

_FOURTH: Final = (
    # How an entry was refused, or failed, in a run before the one that tried it again: the list of each run is its own.
    """
    CREATE TABLE tries (
        entry INTEGER NOT NULL REFERENCES entries (id),
        run INTEGER NOT NULL REFERENCES runs (id),
        status TEXT NOT NULL CHECK (status IN ('refused', 'failed')),
        cause TEXT,
        reason TEXT,
        note TEXT,
        "by" TEXT NOT NULL,
        via TEXT NOT NULL,
        ended_at TEXT NOT NULL,
        PRIMARY KEY (entry, run)
    )
    """,
    "CREATE INDEX tries_of_run ON tries (run)",
)

_COUNTING: Final = "undo.undoes = entries.id AND undo.status = 'applied'"
_RESTATE: Final = f"""
    UPDATE entries SET
        status = CASE WHEN EXISTS (SELECT 1 FROM entries AS undo WHERE {_COUNTING}) THEN 'undone' ELSE 'applied' END,
        undone_by = (SELECT MIN(undo.id) FROM entries AS undo WHERE {_COUNTING})
    WHERE status IN ('applied', 'undone') AND id IN (SELECT undoes FROM entries WHERE undoes IS NOT NULL)
"""
_HELD: Final = "status IN ('intended', 'sending', 'applied', 'undone', 'parked')"
_HOLDS: Final = "(reopened = 0 OR status IN ('sending', 'applied'))"
"""Whatever counts, or was sent, holds its occasion and its period, whatever else is said of it."""

_FIFTH: Final = (
    # What a contact was called before: people and other systems go on using an old address.
    """
    CREATE TABLE former_addresses (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        contact INTEGER NOT NULL,
        email TEXT NOT NULL,
        email_key TEXT NOT NULL,
        UNIQUE (contact, email_key)
    )
    """,
    "CREATE INDEX former_addresses_by_email ON former_addresses (email_key, id)",
    # Which field a key names, so that one that was renamed in the CRM is known by its id.
    "CREATE TABLE field_keys (key TEXT PRIMARY KEY, field INTEGER NOT NULL)",
    # Which tag the name of a follow-up tag stands for, for the same reason.
    "CREATE TABLE followup_tags (name_key TEXT PRIMARY KEY, tag INTEGER NOT NULL)",
    # Whether all who sent an event wait for its answer, so that one that is no success may end it.
    "ALTER TABLE events ADD COLUMN awaited INTEGER NOT NULL DEFAULT 0",
    # Refusals that answered their occasion: those with follow-up or trigger tags may still have them out of order.
    """
    CREATE INDEX entries_unreleased_refusals ON entries (id)
        WHERE released = 0 AND status = 'refused' AND cause IN ('limit', 'period')
    """,
    # Marks entries that counted for the same occasion as another one before the indexes below forbade that.
    "ALTER TABLE entries ADD COLUMN doubled INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX entries_undoing ON entries (undoes) WHERE undoes IS NOT NULL",
    # Undos of undos of undos used to leave the lower ones as they were; each round puts one more level right.
    *((_RESTATE,) * 8),
    # What changed nothing holds nothing against what counts.
    """
    UPDATE entries SET reopened = 1 WHERE reopened = 0 AND status IN ('refused', 'failed') AND EXISTS
        (SELECT 1 FROM entries AS other WHERE other.operation = entries.operation
        AND other.contact = entries.contact AND other.occasion = entries.occasion AND other.id <> entries.id
        AND other.reopened = 1 AND other.status IN ('sending', 'applied'))
    """,
    f"""
    UPDATE entries SET reopened = 0 WHERE reopened = 1 AND status IN ('sending', 'applied') AND NOT EXISTS
        (SELECT 1 FROM entries AS other WHERE other.operation = entries.operation
        AND other.contact = entries.contact AND other.id <> entries.id
        AND (other.reopened = 0 OR (other.status IN ('sending', 'applied') AND other.id < entries.id))
        AND (other.occasion = entries.occasion OR (other.period = entries.period AND other.{_HELD})))
    """,
    "UPDATE entries SET doubled = id WHERE reopened = 1 AND status IN ('sending', 'applied')",
    "DROP INDEX one_per_occasion",
    f"CREATE UNIQUE INDEX one_per_occasion ON entries (operation, contact, occasion, doubled) WHERE {_HOLDS}",
    "DROP INDEX one_per_period",
    f"""
    CREATE UNIQUE INDEX one_per_period ON entries (operation, contact, period, doubled)
        WHERE period IS NOT NULL AND {_HELD} AND {_HOLDS}
    """,
)

_BOOLEAN: Final = "json(CASE json_extract(words, '$[{}]') WHEN 1 THEN 'true' ELSE 'false' END)"
_NAMED: Final = {
    "run": """'operation', json_extract(words, '$[1]'),
        'selection', CASE json_type(words, '$[2]') WHEN 'array' THEN
            json_object('contacts', json(json_extract(words, '$[2]'))) ELSE json(json_extract(words, '$[2]')) END,
        'amount', json_extract(words, '$[3]'), 'key', json_extract(words, '$[4]'),
        'once_per', json_extract(words, '$[5]'), 'period', json_extract(words, '$[6]')""",
    "adjust": """'contact', json_extract(words, '$[1]'), 'field', json_extract(words, '$[2]'),
        'action', substr(json_extract(words, '$[3]'), 1, instr(json_extract(words, '$[3]'), ' ') - 1),
        'amount', substr(json_extract(words, '$[3]'), instr(json_extract(words, '$[3]'), ' ') + 1),
        'occasion', json_extract(words, '$[4]')""",
    "import": """'file', json_extract(words, '$[1]'), 'field', json_extract(words, '$[2]'),
        'columns', json(json_extract(words, '$[3]')), 'key', json_extract(words, '$[4]')""",
    "undo": f"""'run', CASE json_type(words, '$[1]') WHEN 'text' THEN json_extract(words, '$[1]') END,
        'entries', json(CASE json_type(words, '$[1]') WHEN 'array' THEN json_extract(words, '$[1]') ELSE '[]' END),
        'force', {_BOOLEAN.format(2)}, 'reopen', {_BOOLEAN.format(3)}""",
    "reconcile": "'field', json_extract(words, '$[1]'), 'way', json_extract(words, '$[2]')",
    "tag bind": "'operation', json_extract(words, '$[1]'), 'tag', json_extract(words, '$[2]')",
    "settle": "'entry', json_extract(words, '$[1]'), 'word', json_extract(words, '$[2]')",
    "serve": "",
}
"""What the commands of runs used to say by place, by name; as `ledger.commands` writes it."""
_TAG_IN_TITLE: Final = "substr(title, instr(title, 'for the carriers of \"') + 21)"

_SIXTH: Final = (
    "ALTER TABLE runs ADD COLUMN tag TEXT",
    f"""
    UPDATE runs SET tag = rtrim({_TAG_IN_TITLE}, replace({_TAG_IN_TITLE}, '"', ''))
        WHERE words LIKE '["run", %' AND title LIKE '%for the carriers of "%"%'
    """,
    "UPDATE runs SET tag = substr(tag, 1, length(tag) - 1) WHERE tag LIKE '%\"'",
    *(
        f"""
        UPDATE runs SET words = json_object('command', '{kind}'{named and ", "}{named})
            WHERE json_valid(words) AND json_type(words) = 'array' AND json_extract(words, '$[0]') = '{kind}'
        """
        for kind, named in _NAMED.items()
    ),
    """UPDATE runs SET words = '{"command":"poll"}' WHERE words = 'poll'""",
    """UPDATE runs SET words = '{"command":"take over"}' WHERE words = 'init --take-over --grants-done'""",
)

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH, _SIXTH)
"""The n-th brings the schema from version n to n + 1."""

VERSION: Final = len(MIGRATIONS)
