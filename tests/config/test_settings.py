"""The environment beats the file, the file beats the defaults, and no value of a bad setting is shown."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ccops.config.errors import ConfigFaults
from ccops.config.home import Home, write_private
from ccops.config.settings import AddressMalformed, PlainHttp, Settings, load_settings


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without files."""
    return Home(tmp_path)


def settled(home: Home, config: str, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of a file's text and an environment."""
    write_private(home.config, config)
    return load_settings(home, environ or {})


def faults(home: Home, config: str) -> list[str]:
    """Return what is said about a file's text, a line each."""
    with pytest.raises(ConfigFaults) as caught:
        settled(home, config)
    return str(caught.value).splitlines()


def test_without_file_and_environment_all_is_at_its_default(home: Home) -> None:
    settings = load_settings(home, {"SUDO_USER": "ann"})
    assert settings == Settings("https://api.kit.com", None, 60.0, "ann", None, False, None, None)
    assert (settings.rate_for("key"), settings.rate_for("oauth"), settings.credential()) == (120, 600, None)


FILE = """\
api_url = "https://kit.example.org/v4/"
rate = 90
settle_after = 1.5
actor = "maria"
public_url = "https://hooks.example.org/"
sandbox = true
"""


def test_a_file_sets_everything(home: Home) -> None:
    wanted = Settings("https://kit.example.org", 90, 1.5, "maria", "https://hooks.example.org", True, None, None)
    assert settled(home, FILE) == wanted


def test_the_environment_beats_the_file(home: Home) -> None:
    environ = {
        "KIT_API_URL": "http://127.0.0.1:8080",
        "CCOPS_RATE": "0",
        "CCOPS_SETTLE_AFTER": "0.25",
        "CCOPS_ACTOR": "cron",
        "SUDO_USER": "ann",
    }
    settings = settled(home, FILE, environ)
    found = (settings.api_url, settings.rate, settings.rate_for("key"), settings.settle_after, settings.actor)
    assert found == ("http://127.0.0.1:8080", 0, 0, 0.25, "cron")


def test_an_empty_variable_is_not_set(home: Home) -> None:
    settings = settled(home, FILE, {"KIT_API_URL": "", "CCOPS_RATE": "", "CCOPS_ACTOR": "", "KIT_API_KEY": ""})
    assert (settings.rate, settings.actor, settings.credential()) == (90, "maria", None)


def test_who_did_it_is_safe_to_show(home: Home) -> None:
    assert load_settings(home, {"CCOPS_ACTOR": "ann\x1b[2J\n"}).actor == "ann\\x1b[2J\\n"


def test_without_any_name_it_is_the_user_of_the_machine(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    assert load_settings(home, {}).actor == "ann"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1:9000", "[::1]:80", "localhost:1", "LOCALHOST"])
def test_plain_http_reaches_this_machine(host: str, home: Home) -> None:
    assert load_settings(home, {"KIT_API_URL": f"http://{host}/"}).api_url == f"http://{host}"


@pytest.mark.parametrize(
    "host", ["api.kit.com", "127.0.0.1.example.org", "localhost.example.org", "0.0.0.0", "10.0.0.1"]
)
def test_plain_http_reaches_nobody_else(host: str, home: Home) -> None:
    with pytest.raises(PlainHttp) as caught:
        load_settings(home, {"KIT_API_URL": f"http://{host}"})
    assert (str(caught.value), caught.value.mend) == (
        f"KIT_API_URL is plain http to {host}; only this machine itself may be reached without https.",
        "Write KIT_API_URL with https://.",
    )


def test_a_public_address_is_held_to_the_same(home: Home) -> None:
    with pytest.raises(PlainHttp, match=r"^public_url is plain http to hooks\.example\.org"):
        settled(home, 'public_url = "http://hooks.example.org"')


@pytest.mark.parametrize(
    "address",
    [
        "api.kit.com",
        "ftp://api.kit.com",
        "https://",
        "https://ann:s3cret@api.kit.com",
        "http://127.0.0.1@example.org",
        "https://api.kit.com?key=s3cret",
        "https://api.kit.com#s3cret",
        "https://[::1",
        "https://api.kit.com:s3cret",
        "https://api.kit.com /s3cret",
        "https://api.kit.com/\x1b",
    ],
)
def test_an_address_that_is_none_is_refused_unshown(address: str, home: Home) -> None:
    with pytest.raises(AddressMalformed) as caught:
        load_settings(home, {"KIT_API_URL": address})
    assert str(caught.value) == "KIT_API_URL is not the address of a server."


def test_all_mistakes_of_the_file_are_told_at_once_and_no_value_is_shown(home: Home) -> None:
    config = """\
api_key = 4711
api_keys = "s3cret"
kit_s3cret = "x"
rate = "s3cret"
settle_after = -1
sandbox = "s3cret"
actor = " "
api_key_command = ["s3cret"]
"""
    assert faults(home, config) == [
        'config.toml:1: "api_key" must be a text in quotes, and not empty',
        'config.toml:2: "api_keys" is not a setting; did you mean "api_key"?',
        (
            "config.toml:3: this key is no setting; they are api_key, api_key_command, api_url, rate, settle_after, "
            "actor, public_url, sandbox, oauth_client_id, oauth_client_secret, oauth_redirect, secrets, "
            "kit_webhook, kit_hooks"
        ),
        'config.toml:4: "rate" must be a whole number, 0 or more',
        'config.toml:5: "settle_after" must be a number of seconds, from 0 to 86400',
        'config.toml:6: "sandbox" must be true or false',
        'config.toml:7: "actor" must be a text in quotes, and not empty',
        'config.toml:8: "api_key_command" must be a text in quotes, and not empty',
    ]


@pytest.mark.parametrize("line", ["api_key = kit_s3cret", "kit_s3cret", 'api_key = "kit_s3cret', "[kit_s3cret]\n" * 2])
def test_a_file_that_is_no_toml_is_told_without_its_content(line: str, home: Home) -> None:
    (said,) = faults(home, f"# mine\n{line}\n")
    assert said.endswith(': this is not TOML; a line is key = value, and a text stands in quotes: key = "text"')


def test_a_file_that_is_no_text_is_told(home: Home) -> None:
    home.config.write_bytes(b'actor = "\xff"')
    with pytest.raises(ConfigFaults, match=r"^config\.toml: the file is not UTF-8 text$"):
        load_settings(home, {})


@pytest.mark.parametrize("value", [True, 1.5, -1])
def test_a_rate_is_a_whole_number(value: object, home: Home) -> None:
    assert faults(home, f"rate = {str(value).lower()}") == ['config.toml:1: "rate" must be a whole number, 0 or more']


def test_all_bad_variables_are_told_at_once(home: Home) -> None:
    environ = {"CCOPS_RATE": "fast", "CCOPS_SETTLE_AFTER": "1e9"}
    with pytest.raises(ConfigFaults) as caught:
        load_settings(home, environ)
    assert str(caught.value).splitlines() == [
        "the environment: CCOPS_RATE must be a whole number, 0 or more",
        "the environment: CCOPS_SETTLE_AFTER must be a number of seconds, from 0 to 86400",
    ]
