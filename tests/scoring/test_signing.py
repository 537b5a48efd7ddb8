"""Signed records: by a board's key, checked with its public one; openssl is the reference."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess

import pytest

import forgebench
from forgebench import InputError, NotFoundError

from .edits import seal, write


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Two pairs, made as the messages say."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on this machine")
    folder = tmp_path_factory.mktemp("keys")
    for name in ("board", "other"):
        _openssl("genpkey", "-algorithm", "ed25519", "-out", folder / f"{name}.pem")
        _openssl("pkey", "-in", folder / f"{name}.pem", "-pubout", "-out", folder / f"{name}.pub")
    _openssl("genpkey", "-algorithm", "x25519", "-out", folder / "wrong.pem")
    _openssl("pkey", "-in", folder / "wrong.pem", "-pubout", "-out", folder / "wrong.pub")
    return folder


@pytest.fixture
def signed(quick_score, keys, tmp_path):
    shutil.copytree(quick_score, tmp_path / "out")
    forgebench.sign(tmp_path / "out", keys / "board.pem")
    return tmp_path / "out"


def test_openssl_agrees(signed, keys, tmp_path):
    fields = json.loads((signed / "record.json").read_text(encoding="utf-8"))
    (tmp_path / "hash").write_bytes(bytes.fromhex(fields["record_sha256"]))
    (tmp_path / "signature").write_bytes(base64.b64decode(fields["signature"]["value"]))
    _openssl(
        "pkeyutl", "-verify", "-pubin", "-inkey", keys / "board.pub", "-rawin", "-in", tmp_path / "hash",
        "-sigfile", tmp_path / "signature",
    )  # fmt: skip


def test_a_signed_record_verifies_with_and_without_the_key(signed, keys):
    assert forgebench.verify(signed) == []
    assert forgebench.verify(signed, key=keys / "board.pub") == []


def test_signing_changes_nothing_else(signed, quick_score):
    before, after = (json.loads((f / "record.json").read_text(encoding="utf-8")) for f in (quick_score, signed))
    assert before.pop("signature") is None
    assert after.pop("signature") is not None
    assert before == after


def _codes(folder, key=None):
    return [problem.code for problem in forgebench.verify(folder, key=key)]


def test_another_boards_key(signed, keys):
    assert _codes(signed, keys / "other.pub") == ["signature"]


def test_no_signature_where_one_is_wanted(quick_score, keys):
    assert _codes(quick_score) == []
    assert _codes(quick_score, keys / "board.pub") == ["signature"]


def test_an_edit_that_is_sealed_again_loses_the_signature(signed, keys, tmp_path):
    fields = json.loads((signed / "record.json").read_text(encoding="utf-8"))
    fields["method"]["authors"] = ["someone"]
    folder = write(tmp_path / "edited", seal(fields), signed / "per_image.parquet")
    assert _codes(folder) == ["signature"]
    fields["signature"] = None
    folder = write(tmp_path / "bare", seal(fields), signed / "per_image.parquet")
    assert _codes(folder) == []
    assert _codes(folder, keys / "board.pub") == ["signature"]


@pytest.mark.parametrize("part", ["public_key", "value"])
@pytest.mark.parametrize("text", ["", "???", "AAAA", "A" * 44])
def test_a_damaged_signature(signed, tmp_path, part, text):
    fields = json.loads((signed / "record.json").read_text(encoding="utf-8"))
    fields["signature"][part] = text
    assert _codes(write(tmp_path / "d", fields, signed / "per_image.parquet")) == ["signature"]


def test_what_does_not_verify_is_not_signed(fields, quick_score, keys, tmp_path):
    fields["metrics"][0]["value"] = 0.99
    folder = write(tmp_path / "out", seal(fields), quick_score / "per_image.parquet")
    with pytest.raises(InputError, match="Only what verifies is signed"):
        forgebench.sign(folder, keys / "board.pem")


def test_keys_that_are_none(signed, keys, tmp_path):
    (tmp_path / "text.pem").write_text("hello")
    with pytest.raises(NotFoundError, match="Expected a key"):
        forgebench.sign(signed, tmp_path / "none.pem")
    for name in (tmp_path / "text.pem", keys / "wrong.pem", keys / "board.pub"):
        with pytest.raises(InputError, match="openssl genpkey"):
            forgebench.sign(signed, name)
    for name in (tmp_path / "text.pem", keys / "wrong.pub"):
        with pytest.raises(InputError, match="openssl genpkey"):
            forgebench.verify(signed, key=name)
