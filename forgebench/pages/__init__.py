"""Pages: what every HTML page that ForgeBench writes shares. One file each, nothing fetched from anywhere."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


@cache
def environment(package: str) -> Environment:
    """Templates of a package's `assets`, and `base.html.j2`, which they extend; all values are escaped."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, "assets"), PackageLoader(__name__, "assets")]), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return environment


def shell(package: str, scripts: Sequence[str], styles: Sequence[str], more: str = "") -> dict[str, object]:
    """What `base.html.j2` asks for: scripts, styles, and a policy that lets the page run these scripts alone.

    Args:
        package: Files are looked for among its `assets` first, then among those that all pages share.
        scripts: Names of files.
        styles: Names of files.
        more: Style that is computed.
    """
    codes = [_asset(package, name) for name in scripts]
    return {
        "scripts": [Markup(code) for code in codes],  # noqa: S704  ours, never data
        "style": Markup("\n".join([*(_asset(package, name) for name in styles), more])),  # noqa: S704
        "policy": _policy(codes),
    }


@cache
def _asset(package: str, name: str) -> str:
    own = files(package) / "assets" / name
    return (own if own.is_file() else files(__name__) / "assets" / name).read_text(encoding="utf-8")


def write(path: Path, html: str) -> None:
    """Write a page whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(html, encoding="utf-8", newline="\n")
    os.replace(temporary, path)  # noqa: PTH105


def _policy(scripts: Sequence[str]) -> str:
    """A Content-Security-Policy that lets the page run its own scripts and nothing else."""
    hashes = (b64encode(sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    # Plotly sets style attributes, and offers its pictures for download as blobs.
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
