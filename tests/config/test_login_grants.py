"""The file of a login: private, whole, damaged files told, and never shown."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccops.config.credentials import Grant, GrantFile, GrantUnusable
from ccops.config.home import Home, loose_modes
from ccops.config.settings import load_settings
from ccops.secret import Client, Secret, Tokens

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 14, tzinfo=UTC)


def pair(number: int, client: Client | None = None) -> Tokens:
    return Tokens(client or Client("app"), Secret(f"access-{number}"), Secret(f"refresh-{number}"), NOON, LATER)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.make()
    return home


@pytest.fixture
def grants(home: Home) -> GrantFile:
    return GrantFile(home)


def shown(tokens: Tokens | None) -> tuple[str, str, datetime, datetime] | None:
    return (tokens.access.reveal(), tokens.refresh.reveal(), tokens.renew, tokens.expires) if tokens else None


def test_what_is_put_is_read_and_the_name_stays(home: Home, grants: GrantFile) -> None:
    first = Grant.of(pair(1, Client("app", Secret("app-secret"))))
    assert grants.swap(first) is None
    with grants.alone():
        grants.put(pair(2, first.tokens.client))
    read = grants.read()
    assert read is not None
    assert shown(read.tokens) == ("access-2", "refresh-2", NOON, LATER)
    assert read.id.equals(first.id.reveal())
    assert read.tokens.client.secret is not None
    assert read.tokens.client.secret.reveal() == "app-secret"
    assert stat.S_IMODE(home.grant.stat().st_mode) == 0o600
    assert [path.name for path in home.path.iterdir() if path.name.startswith(".")] == []


def test_a_new_login_has_another_name(grants: GrantFile) -> None:
    grants.swap(Grant.of(pair(1)))
    old = grants.swap(Grant.of(pair(2)))
    new = grants.read()
    assert old is not None
    assert new is not None
    assert shown(old.tokens) == ("access-1", "refresh-1", NOON, LATER)
    assert not old.id.equals(new.id.reveal())


def test_tokens_of_an_ended_login_are_not_put_back(home: Home, grants: GrantFile) -> None:
    grants.swap(Grant.of(pair(1)))
    with grants.ending() as ended:
        assert ended is not None
    with grants.alone():
        grants.put(pair(2))
    assert not home.grant.exists()
    with grants.ending() as nothing:
        assert nothing is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"id": 5}', "null", '{"id": "x"}'])
def test_a_damaged_file_is_told_and_can_be_replaced(home: Home, grants: GrantFile, text: str) -> None:
    home.grant.write_text(text)
    with pytest.raises(GrantUnusable, match=r"oauth\.json is damaged") as caught:
        load_settings(home, {}).credential()
    assert caught.value.mend == "ccops login --oauth"
    assert grants.swap(Grant.of(pair(1))) is None
    assert grants.tokens() is not None


def test_a_moment_that_is_none_is_damage(home: Home, grants: GrantFile) -> None:
    grants.swap(Grant.of(pair(1)))
    home.grant.write_text(json.dumps(json.loads(home.grant.read_text()) | {"expires_at": "soon"}))
    with pytest.raises(GrantUnusable):
        grants.read()


def test_the_environment_beats_a_login_and_a_login_beats_the_stored_key(home: Home, grants: GrantFile) -> None:
    home.config.write_text('api_key = "key-of-file"\n')
    grants.swap(Grant.of(pair(1)))
    found = []
    for environ in ({"KIT_ACCESS_TOKEN": "t"}, {"KIT_API_KEY": "k"}, {}):
        credential = load_settings(home, environ).credential()
        assert credential is not None
        found.append((credential.kind, credential.source, credential.secret.reveal()))
    assert found == [
        ("oauth", "KIT_ACCESS_TOKEN", "t"),
        ("key", "KIT_API_KEY", "k"),
        ("oauth", "oauth.json", "access-1"),
    ]


def test_no_token_is_shown(home: Home, grants: GrantFile) -> None:
    grants.swap(Grant.of(pair(1, Client("app", Secret("app-secret")))))
    settings = load_settings(home, {"KIT_CLIENT_ID": "app", "KIT_CLIENT_SECRET": "app-secret"})
    text = repr(grants.read()) + repr(settings) + repr(settings.credential()) + repr(grants.tokens())
    assert not [secret for secret in ("access-1", "refresh-1", "app-secret") if secret in text]


def test_a_file_that_others_can_read_is_found(home: Home, grants: GrantFile) -> None:
    grants.swap(Grant.of(pair(1)))
    home.grant.chmod(0o644)
    assert [loose.path for loose in loose_modes(home)] == [home.grant]


def test_the_app_comes_from_the_environment_or_the_file_whole(home: Home) -> None:
    home.config.write_text('oauth_client_id = "file"\noauth_client_secret = "of-file"\n')
    of_file, of_environ = load_settings(home, {}).client, load_settings(home, {"KIT_CLIENT_ID": "env"}).client
    assert of_file is not None
    assert of_file.secret is not None
    assert (of_file.id, of_file.secret.reveal()) == ("file", "of-file")
    assert of_environ == Client("env")
