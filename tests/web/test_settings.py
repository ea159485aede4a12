from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mien.errors import ConfigError
from mien.web.settings import WebSettings, is_loopback, load_web_settings, read_password
from needs import program
from web.backend import PASSWORD


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost", "LocalHost"])
def test_on_this_machine_no_password_is_needed(host: str) -> None:
    assert is_loopback(host)
    assert WebSettings(host=host).password is None


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "mien.example", "localhost.example", "2130706433"]
)
def test_elsewhere_a_password_is_demanded(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(ConfigError, match=r"choose a password \(--password-file\)"):
        WebSettings(host=host)
    assert WebSettings(host=host, password=PASSWORD).password is not None


def test_a_password_has_ten_characters_and_is_never_repeated() -> None:
    with pytest.raises(ConfigError, match="at least 10 characters, received 9") as caught:
        load_web_settings(password="secret789")
    assert "secret789" not in str(caught.value)
    assert PASSWORD not in repr(WebSettings(password=PASSWORD))


def test_spaces_around_a_password_do_not_make_it_longer() -> None:
    with pytest.raises(ConfigError, match="received 4"):
        load_web_settings(password="   word      ")


@pytest.mark.parametrize(
    "text", [PASSWORD, f"{PASSWORD}\n", f"{PASSWORD}\r\n", f"{PASSWORD}\nanother line\n"]
)
def test_a_password_file_gives_its_first_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "password"
    path.write_bytes(text.encode())
    assert read_password(path) == PASSWORD
    loaded = load_web_settings(host="0.0.0.0", password_file=path)
    assert loaded.password is not None
    assert loaded.password.get_secret_value() == PASSWORD


@pytest.mark.parametrize("data", [b"", b"\n" + PASSWORD.encode(), b"short\n", b"\xff\xfe\x00"])
def test_a_password_file_without_one_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "password"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="password file"):
        read_password(path)


def test_a_missing_password_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"password file .*nowhere: .*\(there is no such file"):
        load_web_settings(password_file=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("choices", "name"),
    [
        ({"port": 70000}, "port"),
        ({"host": ""}, "host"),
        ({"max_upload_mb": 0}, "max_upload_mb"),
        ({"colour": 1}, "colour"),
    ],
)
def test_a_wrong_value_is_named(choices: dict[str, object], name: str) -> None:
    with pytest.raises(ConfigError, match=f"setting {name}: "):
        load_web_settings(**choices)


def test_what_was_not_chosen_keeps_its_default() -> None:
    assert load_web_settings(host=None, port=None) == WebSettings()


def test_the_environment_sets_what_was_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_WEB_MAX_UPLOAD_MB", "7")
    monkeypatch.setenv("MIEN_WEB_ALLOW_SOURCES", "false")
    monkeypatch.setenv("MIEN_WEB_PORT", "9000")
    settings = load_web_settings(port=9001)
    assert (settings.max_upload_mb, settings.allow_sources, settings.port) == (7, False, 9001)


def test_a_wrong_value_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_WEB_MAX_UPLOADS", "many")
    with pytest.raises(ConfigError, match="max_uploads"):
        load_web_settings()


def test_a_key_needs_its_certificate(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--tls-cert too"):
        WebSettings(tls_key=tmp_path / "key.pem")


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cert.pem"
    path.write_text("nothing of the kind")
    for cert in (path, tmp_path / "missing.pem"):
        with pytest.raises(ConfigError, match=rf"{cert.name}: expected a certificate"):
            WebSettings(tls_cert=cert)


@pytest.mark.program
def test_an_encrypted_key_is_refused_instead_of_waiting_at_the_terminal(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        program("openssl", "which makes the keys"),
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-days",
        "1",
    ]
    command += ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(cert), "-passout", "pass:hidden"]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(ConfigError, match="unencrypted key"):
        WebSettings(tls_cert=cert, tls_key=key)
