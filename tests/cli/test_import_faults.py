"""All of a file is checked before anything is sent, and all mistakes are told at once."""

from pathlib import Path

import pytest

from tests.cli.calls import Ended, told
from tests.cli.import_files import ANN, BOB, Call
from tests.cli.sites import KEY, Site

CREDITS = ("--field", "credits")
NO_FIELD = "nothing says which field it is for: --field credits"
NO_KEY = (
    "nothing names what counts once, so the same file again would count again: a column key, or one for all rows, "
    "--key 2026-11-gift"
)
PLAIN = "write it in plain digits, without commas or currency: 12, -3 or 3.50"
NOTHING = "Nothing was sent."

FAULTY: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "all at once": (
        f'e-mail,ad,set,kye\n{ANN},1,"1,000",a\nann,,,b\n',
        (),
        (
            NO_FIELD,
            'FILE, line 2: set is "1,000", not a number',
            'FILE, line 3: "ann" is not an e-mail address',
            "FILE, line 3: no number in set",
            NOTHING,
            PLAIN,
        ),
    ),
    "columns with a slip": (
        f"emial,ad,kye\n{ANN},1,a\n",
        CREDITS,
        (
            (
                'FILE, line 1: no column "email" or "id", only "emial", "ad", "kye"; say which one it is: '
                "--column emial=email"
            ),
            (
                'FILE, line 1: no column "add", "take" or "set", only "emial", "ad", "kye"; say which one it is: '
                "--column ad=add"
            ),
            NOTHING,
        ),
    ),
    "a key with a slip": (
        f"email,add,kye\n{ANN},1,a\n",
        CREDITS,
        (f"{NO_KEY}; or is it a column? --column kye=key", NOTHING),
    ),
    "a heading that is not there": (
        f"email,Credits\n{ANN},1\n",
        (*CREDITS, "--column", "Credts=set"),
        ('FILE, line 1: no column "Credts"; did you mean "Credits"?', NOTHING),
    ),
    "two things to do": (
        f"email,add,set\n{ANN},1,2\n",
        (*CREDITS, "--key", "k"),
        (
            (
                'FILE, line 1: it has "add" and "set", and a file does one of them; leave one, or say which: '
                "--column add=add"
            ),
            NOTHING,
        ),
    ),
    "two columns of a name": (
        f"email,Set,set\n{ANN},1,2\n",
        CREDITS,
        ('FILE, line 1: two columns are called "Set"', NOTHING),
    ),
    "a key that is the number": (f"email,key\n{ANN},1\n", (*CREDITS, "--column", "key=add"), (NO_KEY, NOTHING)),
    "no key": (f"email,add\n{ANN},1\n", CREDITS, (NO_KEY, NOTHING)),
    "two kinds of keys": (
        f"email,add,key\n{ANN},1,a\n",
        (*CREDITS, "--key", "b"),
        ("--key names one occasion for all rows, but the file has a column key; leave one of them out", NOTHING),
    ),
    "numbers that are none": (
        f"email,add\n{ANN},0\n{BOB},-2\nc@x.org,\uff11\uff12\nd@x.org,1e3\ne@x.org\nf@x.org,{'9' * 41}\n",
        (*CREDITS, "--key", "k"),
        (
            'FILE, line 2: add is "0"; it has to be above 0',
            'FILE, line 3: add is "-2"; it has to be above 0; take is a column of its own',
            'FILE, line 4: add is "\uff11\uff12", not a number',
            'FILE, line 5: add is "1e3", not a number',
            "FILE, line 6: no number in add",
            f'FILE, line 7: add is "{"9" * 40}…" (41 characters), a number of more than 40 digits',
            NOTHING,
            PLAIN,
        ),
    ),
    "a number in two cells": (
        f"email,set\n{ANN},1,000\n",
        CREDITS,
        ("FILE, line 2: 3 cells, but 2 headings; a number with a comma in it takes two of them", NOTHING),
    ),
    "contacts that are none": (
        f'id,set\n{ANN},1\n0,1\n,1\n"\x1b[31m[/b]",1\n',
        CREDITS,
        (
            f'FILE, line 2: "{ANN}" is not Kit\'s id of a contact',
            'FILE, line 3: "0" is not Kit\'s id of a contact',
            "FILE, line 4: no contact",
            'FILE, line 5: "\\x1b[31m[/b]" is not Kit\'s id of a contact',
            NOTHING,
        ),
    ),
    "keys that can't be": (
        f"email,add,key\n{ANN},1,\n{BOB},1,a\u200bb\nc@x.org,1,{KEY}\n",
        CREDITS,
        (
            "FILE, line 2: no key",
            'FILE, line 3: the key "a\\u200bb" can\'t be used',
            "FILE, line 4: its key is your API key, which would end up in the ledger",
            NOTHING,
            "use 1 to 200 visible characters, such as an invoice number",
        ),
    ),
    "a key for two numbers": (
        f'email,add,key\n{ANN},1,"a"\n\n{BOB},2,a\n{ANN.upper()},2, a\n{ANN},1.0,a\n',
        CREDITS,
        (f'FILE, line 5: "{ANN.upper()}" has the same key as on line 2, with another number', NOTHING),
    ),
    "a contact twice under one key": (
        f"email,add\n{ANN},1\n{BOB},1\n{ANN},1\n",
        (*CREDITS, "--key", "k"),
        (
            (
                f'FILE, line 4: "{ANN}" is on line 2 too, and --key counts once for each contact; put both into one '
                "row, or give the rows a column key"
            ),
            NOTHING,
        ),
    ),
    "two numbers for a contact": (
        f"email,set\n{ANN},1\n{ANN},2\n",
        CREDITS,
        (
            (
                f'FILE, line 3: "{ANN}" is set to another number on line 2; leave one of them, or give the rows a '
                "column key"
            ),
            NOTHING,
        ),
    ),
    "a quotation mark that never ends": (
        f'email,set\n{ANN},1\n"{BOB},2\nc@x.org,3\n',
        CREDITS,
        (f"FILE can't be read: line 3 is no line of a CSV (unexpected end of data). {NOTHING}",),
    ),
    "nothing at all": ("\n \n", CREDITS, (f"FILE can't be read: it is empty. {NOTHING}",)),
}


@pytest.mark.parametrize("name", FAULTY)
@pytest.mark.parametrize("how", [(), ("--dry-run",)])
def test_a_faulty_file_is_told_with_its_lines_and_nothing_is_sent(
    site: Site, ccops: Call, tmp_path: Path, name: str, how: tuple[str, ...]
) -> None:
    text, words, lines = FAULTY[name]
    file = tmp_path / "rows.csv"
    file.write_text(text, encoding="utf-8")
    ended = ccops("import", str(file), *words, *how)
    assert ended == Ended(2, "", told("\n".join(lines).replace("FILE", str(file))))
    assert (site.kit.counts.total(), site.entries()) == (0, [])


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("Credits", "write the file's heading, =, and what it is, such as Credits=set"),
        ("Credits=sett", 'a column is one of email, id, add, take, set, key; did you mean "set"'),
        ("Credits=zzz", "a column is one of email, id, add, take, set, key"),
    ],
)
@pytest.mark.usefixtures("site")
def test_a_column_is_given_one_of_our_names(ccops: Call, column: str, why: str) -> None:
    mend = "ccops import balances.csv --field credits --column 'Credits=set'"
    error = told(f'--column "{column}": {why}. {NOTHING}\n{mend}')
    assert ccops("import", "rows.csv", *CREDITS, "--column", column) == Ended(2, "", error)


def test_of_many_faults_the_first_are_told_and_the_rest_counted(site: Site, ccops: Call, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("email,set\n" + "x,1\n" * 1025)
    ended = ccops("import", str(file), *CREDITS)
    assert (ended.status, len(ended.err.splitlines()), site.sent) == (2, 22, 0)
    assert ended.err.splitlines()[-2:] == ["       and 1,005 more like these", f"       {NOTHING}"]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("rows.csv", b"email,set\n\xe4nn@example.org,1\n", "it is not UTF-8 text; save it as CSV in UTF-8"),
        ("gone.csv", None, "No such file or directory"),
        (".", None, "Is a directory"),
    ],
)
@pytest.mark.usefixtures("site")
def test_a_file_that_can_not_be_read_is_told(
    ccops: Call, tmp_path: Path, name: str, content: bytes | None, why: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    assert ccops("import", str(file), *CREDITS) == Ended(2, "", told(f"{file} can't be read: {why}. {NOTHING}"))


def test_a_field_that_kit_lacks_is_told(site: Site, ccops: Call, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(f"email,set\n{ANN},1\n")
    for how in ((), ("--dry-run",)):
        line = " ".join(["ccops import", str(file), "--field {} --quiet", *how])
        error = told(
            'Kit has no field "creditz". Nothing was changed. Did you mean credits?\n'
            f"{line.format('credits')}\n"
            f"or, to make the field: {line.format('creditz').removesuffix(' --dry-run')} --create-field"
        )
        assert ccops("import", str(file), "--field", "creditz", "--quiet", *how) == Ended(2, "", error)
    assert (site.sent, site.entries()) == (0, [])


def test_the_credential_is_no_key_and_is_not_shown(site: Site, ccops: Call, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(f"email,add\n{ANN},1\n")
    ended = ccops("import", str(file), *CREDITS, "--key", KEY)
    assert (ended.status, KEY in ended.err, site.sent) == (2, False, 0)
