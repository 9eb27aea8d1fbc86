"""The receiver's secrets: random, in a file for its owner alone, beside lines that stay as they were, never shown."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccops.config.errors import CantSplice, ConfigFaults
from ccops.config.home import Home, write_private
from ccops.config.settings import load_settings, store_key
from ccops.config.templates import starter_config
from ccops.config.webhook_secrets import (
    KitHook,
    Secrets,
    forget_kit_hook,
    forget_kit_webhook,
    forget_secret,
    load_secrets,
    new_secret,
    put_kit_hook,
    put_kit_webhook,
    put_secret,
)
from ccops.secret import Secret

UNTIL = datetime(2026, 11, 23, 10, tzinfo=UTC)
OLD, NEW = Secret("old-secret-of-the-operation"), Secret("new-secret-of-the-operation")
FILE = """\
# mine
actor = "maria"   # who

[secrets]  # do not touch
other = "0123456789abcdef"

# of Kit
[kit_webhook]
id = 7
url = "https://hooks.example.org/kit"
secrets = ["whsec_b", "whsec_a"]
until = "2026-11-23T10:00:00Z"
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without files."""
    return Home(tmp_path / "home")


@pytest.fixture
def kept(home: Home) -> Home:
    """A home with secrets and comments."""
    home.make()
    write_private(home.config, FILE)
    return home


def shown(secrets: Secrets) -> dict[str, list[str]]:
    """Return what the secrets hold, in the clear."""
    held = {name: [secret.reveal() for secret in two] for name, two in secrets.operations.items()}
    return held | {"": [secret.reveal() for secret in secrets.kit]}


def test_a_new_secret_can_stand_in_a_url_and_is_like_no_other() -> None:
    made = {new_secret().reveal() for _ in range(100)}
    assert len(made) == 100
    assert all(len(secret) >= 43 and set(secret) <= set(URL_SAFE) for secret in made)


URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_a_home_without_the_file_has_none(home: Home) -> None:
    assert load_secrets(home) == Secrets()


def test_a_file_gives_all(kept: Home) -> None:
    secrets = load_secrets(kept)
    assert shown(secrets) == {"other": ["0123456789abcdef"], "": ["whsec_b", "whsec_a"]}
    assert (secrets.kit_webhook_id, secrets.kit_webhook_url) == (7, "https://hooks.example.org/kit")
    assert (secrets.of("none"), secrets.accepted("none")) == (None, ())


def test_a_secret_is_kept_in_a_file_for_its_owner_alone(home: Home) -> None:
    put_secret(home, "grant", NEW)
    assert shown(load_secrets(home))["grant"] == [NEW.reveal()]
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600
    assert home.config.read_text().startswith(starter_config())


def test_a_loose_mode_is_tightened_when_a_secret_comes_in(kept: Home) -> None:
    kept.config.chmod(0o644)
    put_secret(kept, "grant", NEW)
    assert stat.S_IMODE(kept.config.stat().st_mode) == 0o600


def test_two_are_accepted_while_one_takes_the_others_place(kept: Home) -> None:
    put_secret(kept, "grant", NEW, older=OLD)
    during = shown(load_secrets(kept))["grant"]
    put_secret(kept, "grant", NEW)
    after = shown(load_secrets(kept))["grant"]
    assert (during, after) == ([NEW.reveal(), OLD.reveal()], [NEW.reveal()])


def test_all_other_lines_stay(kept: Home) -> None:
    put_secret(kept, "grant", NEW)
    line = f'grant = "{NEW.reveal()}"\n'
    assert kept.config.read_text() == FILE.replace('abcdef"\n', 'abcdef"\n' + line)
    assert forget_secret(kept, "grant")
    assert kept.config.read_text() == FILE


def test_forgetting_what_is_not_there_writes_nothing(home: Home) -> None:
    assert not forget_secret(home, "grant")
    assert not forget_kit_webhook(home)
    assert not home.config.exists()


def test_kits_endpoint_is_changed_in_its_place_and_taken_out_whole(kept: Home) -> None:
    put_kit_webhook(kept, 8, "https://x.example.org/kit", [Secret("whsec_c")])
    secrets = load_secrets(kept)
    assert (secrets.kit_webhook_id, secrets.kit_webhook_url, secrets.kit_until) == (
        8,
        "https://x.example.org/kit",
        None,
    )
    assert forget_kit_webhook(kept)
    assert load_secrets(kept).kit_webhook_id is None
    assert kept.config.read_text().startswith('# mine\nactor = "maria"   # who\n\n[secrets]  # do not touch\nother = ')


def test_the_older_of_kits_secrets_ends_when_kit_ends_it(kept: Home) -> None:
    put_kit_webhook(kept, 7, "https://hooks.example.org/kit", [Secret("whsec_c"), Secret("whsec_b")], UNTIL)
    secrets = load_secrets(kept)
    before, then = secrets.kit_at(UNTIL - timedelta(seconds=1)), secrets.kit_at(UNTIL)
    assert ([one.reveal() for one in before], [one.reveal() for one in then]) == (["whsec_c", "whsec_b"], ["whsec_c"])


def test_a_key_stored_later_leaves_the_secrets_alone(home: Home) -> None:
    put_secret(home, "grant", NEW)
    store_key(home, Secret("kit_0123456789"))
    assert load_settings(home, {}).credential() is not None
    assert shown(load_secrets(home))["grant"] == [NEW.reveal()]


def test_no_secret_is_shown_by_what_holds_it(kept: Home) -> None:
    secrets = load_secrets(kept)
    assert "0123456789abcdef" not in repr(secrets)
    assert "whsec" not in repr(secrets)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            '[secrets]\ngrant = "s3cret"',
            '2: "secrets" must be 16 to 200 letters, digits, - and _ in quotes for each operation',
        ),
        (
            "[secrets]\ngrant = []",
            '2: "secrets" must be 16 to 200 letters, digits, - and _ in quotes for each operation',
        ),
        (
            '[secrets]\nother = "0123456789abcdef"\ngrant = ["0123456789abcdef", "s3cret/s3cret/s3cret"]',
            '3: "secrets" must be 16 to 200 letters, digits, - and _ in quotes for each operation',
        ),
        ('secrets = "s3cret"', '1: "secrets" must be 16 to 200 letters, digits, - and _ in quotes for each operation'),
        (
            '[kit_webhook]\nid = 0\nurl = "https://s3cret"\nsecrets = ["s3cret"]',
            '2: "kit_webhook" must be the table that ccops webhook create writes: id, url and secrets',
        ),
        (
            '[kit_webhook]\nid = 1\nurl = "https://s3cret"\nsecrets = ["s3cret"]\nuntil = "s3cret"',
            '5: "kit_webhook" must be the table that ccops webhook create writes: id, url and secrets',
        ),
        (
            '[kit_webhook]\nid = 1\nurl = "https://s3cret"\nsecrets = ["s3cret"]\ns3cret = 1',
            '5: "kit_webhook" must be the table that ccops webhook create writes: id, url and secrets',
        ),
    ],
)
def test_what_can_be_no_secret_is_told_with_its_line_and_not_shown(lines: str, said: str, home: Home) -> None:
    home.make()
    write_private(home.config, lines)
    with pytest.raises(ConfigFaults) as caught:
        load_secrets(home)
    assert str(caught.value) == f"config.toml:{said}"


def test_a_table_that_no_command_can_change_is_left_alone(home: Home) -> None:
    home.make()
    write_private(home.config, 'secrets = { other = "0123456789abcdef" }\n')
    with pytest.raises(CantSplice) as caught:
        put_secret(home, "grant", NEW)
    assert NEW.reveal() not in str(caught.value) + caught.value.mend
    assert home.config.read_text() == 'secrets = { other = "0123456789abcdef" }\n'


NAMES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)


@settings(max_examples=50)
@given(st.lists(st.tuples(NAMES, st.text(URL_SAFE, min_size=16, max_size=60) | st.none()), max_size=8))
def test_whatever_is_put_and_forgotten_the_rest_stays(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str | None]]
) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    write_private(home.config, FILE)
    wanted = shown(load_secrets(home))
    for name, secret in steps:
        if secret is None:
            forget_secret(home, name)
            wanted.pop(name, None)
        else:
            put_secret(home, name, Secret(secret))
            wanted[name] = [secret]
    assert shown(load_secrets(home)) == wanted
    assert home.config.read_text().endswith(FILE[FILE.index("# of Kit") :])


def test_which_webhook_is_whose_is_kept_beside(kept: Home) -> None:
    put_kit_hook(kept, "grant", KitHook(12, "https://hooks.example.org", UNTIL))
    held = load_secrets(kept).kit_hooks
    assert forget_kit_hook(kept, "grant")
    assert not forget_kit_hook(kept, "grant")
    assert (held, load_secrets(kept).kit_hooks) == ({"grant": KitHook(12, "https://hooks.example.org", UNTIL)}, {})
    assert kept.config.read_text().startswith(FILE)
