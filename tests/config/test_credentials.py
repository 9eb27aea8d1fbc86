"""A credential comes from one place, is stored in one line, and is never shown."""

import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

import pytest

from ccops.config.credentials import CredentialMalformed, KeyCommandFailed, key_of_command
from ccops.config.errors import ConfigFaults
from ccops.config.home import Home, write_private
from ccops.config.settings import forget_key, load_settings, store_key
from ccops.config.templates import starter_config
from ccops.errors import Misconfigured
from ccops.secret import Secret

KEY = "kit_0123456789abcdef"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without files."""
    return Home(tmp_path / "home")


def script(body: str, folder: Path) -> str:
    """Return a command that runs some Python."""
    path = folder / "the key.py"
    path.write_text(body)
    return f"'{sys.executable}' '{path}'"


def shown(home: Home, environ: Mapping[str, str]) -> tuple[str, str, str] | None:
    credential = load_settings(home, environ).credential()
    return (credential.kind, credential.secret.reveal(), credential.source) if credential else None


def test_the_first_of_four_places_is_taken(home: Home) -> None:
    home.make()
    write_private(home.config, 'api_key_command = "echo command"\n')
    places = [shown(home, {"KIT_ACCESS_TOKEN": "token", "KIT_API_KEY": "key"}), shown(home, {"KIT_API_KEY": "key"})]
    write_private(home.config, 'api_key = "file"\napi_key_command = "echo command"\n')
    places.append(shown(home, {}))
    write_private(home.config, 'api_key_command = "echo command"\n')
    places.append(shown(home, {}))
    assert places == [
        ("oauth", "token", "KIT_ACCESS_TOKEN"),
        ("key", "key", "KIT_API_KEY"),
        ("key", "file", "config.toml"),
        ("key", "command", 'api_key_command "echo command"'),
    ]


def test_a_command_is_not_run_before_its_key_is_needed(home: Home, tmp_path: Path) -> None:
    home.make()
    command = script(f"open({str(tmp_path / 'ran')!r}, 'w')", tmp_path)
    write_private(home.config, f'api_key_command = "{command}"\n')
    load_settings(home, {})
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("key", ["kit 1", "kit_1\n", " kit_1", "kit_é", "kit_\x00", "kit_\u200b1", "'kit_1' "])
def test_a_key_that_can_be_none_is_refused_unshown(key: str, home: Home) -> None:
    settings = load_settings(home, {"KIT_API_KEY": key})
    with pytest.raises(CredentialMalformed) as caught:
        settings.credential()
    assert str(caught.value) == (
        "The credential from KIT_API_KEY has blanks, line ends or letters outside ASCII in it; it was not used."
    )
    assert key not in repr(settings)


def test_a_command_gives_the_first_line_that_it_prints(tmp_path: Path) -> None:
    command = script(f"print({KEY!r}); print('more')", tmp_path)
    assert key_of_command(command).secret.reveal() == KEY


@pytest.mark.parametrize(
    ("body", "how"),
    [
        (f"import sys; print({KEY!r}); print({KEY!r}, file=sys.stderr); sys.exit(3)", "ended with status 3"),
        ("", "printed nothing"),
        ("print()", "printed nothing"),
        (f"import time; print({KEY!r}, flush=True); time.sleep(60)", "took longer than 0.3 seconds"),
    ],
)
def test_a_command_that_fails_is_told_without_its_output(
    body: str, how: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = script(body, tmp_path)
    with pytest.raises(KeyCommandFailed) as caught:
        key_of_command(command, seconds=0.3 if "sleep" in body else 30)
    assert str(caught.value).endswith(f" gave no key: it {how}.")
    assert caught.value.mend == f"Try it yourself: {command}"
    told = "".join(traceback.format_exception(caught.value)) + "".join(capfd.readouterr())
    assert KEY not in told


def test_a_command_can_not_swallow_what_is_piped_to_ccops(tmp_path: Path) -> None:
    with pytest.raises(KeyCommandFailed, match="printed nothing"):
        key_of_command(script("import sys; print(sys.stdin.read(), end='')", tmp_path))


@pytest.mark.parametrize(
    ("command", "how"),
    [
        ("/nowhere/pass show kit", r"can't be started \(No such file or directory\)"),
        ("pass 'show", "has a quote that is not closed"),
        ("pass \x00", "has a zero byte in it"),
        ("# nothing", "can't be started"),
    ],
)
def test_a_command_that_cant_be_run_is_told(command: str, how: str) -> None:
    with pytest.raises(KeyCommandFailed, match=how):
        key_of_command(command)


def test_a_commands_output_that_is_no_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CredentialMalformed, match=r"^The credential from api_key_command "):
        key_of_command(script("import sys; sys.stdout.buffer.write(b'kit_\\xff')", tmp_path))


def test_a_stored_key_is_found_and_the_file_is_private(home: Home) -> None:
    store_key(home, Secret(KEY))
    assert shown(home, {}) == ("key", KEY, "config.toml")
    assert home.config.stat().st_mode & 0o777 == 0o600
    hint = '# api_key = "kit_..."\n'
    assert home.config.read_text() == starter_config().replace(hint, f'{hint}api_key = "{KEY}"\n')


CONFIG = "# mine\r\nrate = 60 # slow\r\n\r\napi_key = 'old'   # of May\r\nactor = \"maria\""


def test_storing_and_forgetting_a_key_leave_all_other_lines_as_they_are(home: Home) -> None:
    home.make()
    home.config.write_bytes(CONFIG.encode())
    store_key(home, Secret(KEY))
    assert home.config.read_bytes() == CONFIG.replace("'old'", f'"{KEY}"').encode()
    assert forget_key(home)
    assert home.config.read_bytes() == CONFIG.replace("api_key = 'old'   # of May\r\n", "").encode()
    store_key(home, Secret(KEY))
    assert home.config.read_text() == (
        CONFIG.replace("api_key = 'old'   # of May\r\n", "").replace("\r\n", "\n") + f'\napi_key = "{KEY}"'
    )


def test_a_loose_file_is_private_after_a_key_was_stored(home: Home) -> None:
    home.make()
    home.config.write_text("rate = 60\n")
    home.config.chmod(0o644)
    store_key(home, Secret(KEY))
    assert home.config.stat().st_mode & 0o777 == 0o600


def test_there_may_be_no_key_to_forget(home: Home) -> None:
    assert not forget_key(home)
    home.make()
    write_private(home.config, "rate = 60\n")
    assert not forget_key(home)


def test_a_key_that_can_be_none_is_not_stored(home: Home) -> None:
    with pytest.raises(CredentialMalformed):
        store_key(home, Secret("kit 1"))
    assert not home.config.exists()


def test_a_broken_file_is_told_and_left_alone(home: Home) -> None:
    home.make()
    write_private(home.config, "api_key = kit_s3cret\n")
    with pytest.raises(ConfigFaults) as caught:
        store_key(home, Secret(KEY))
    assert isinstance(caught.value, Misconfigured)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
    assert home.config.read_text() == "api_key = kit_s3cret\n"


def test_the_example_at_the_top_is_what_init_writes() -> None:
    example = Path(__file__).parents[2] / "config.example.toml"
    assert example.read_text(encoding="utf-8") == starter_config()


def test_new_settings_set_nothing(home: Home) -> None:
    home.make()
    write_private(home.config, starter_config())
    assert load_settings(home, {"CCOPS_ACTOR": "x"}) == load_settings(Home(home.path / "none"), {"CCOPS_ACTOR": "x"})


def test_every_setting_in_the_example_is_one(home: Home) -> None:
    home.make()
    lines = [line.removeprefix("# ") for line in starter_config().splitlines()]
    write_private(home.config, "\n".join(line for line in lines if " = " in line))
    settings = load_settings(home, {})
    assert (settings.rate, settings.sandbox, settings.public_url) == (120, True, "https://hooks.example.org")
