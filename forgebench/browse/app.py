"""FiftyOne's App, served to this machine alone."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from forgebench.errors import InputError

if TYPE_CHECKING:
    from forgebench.browse.dataset import Browsed

# The App's /media route serves every file that this user can read: never serve it to other machines.
ADDRESS = "127.0.0.1"


def check_port(port: int) -> None:
    """Make sure that a port is free; FiftyOne would join another App that listens there.

    Raises:
        InputError: If something listens there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise InputError(f"Port {port} cannot be used: {error.strerror}. Choose another --port.") from error


def serve(browsed: Browsed, port: int, ready: Callable[[str], None]) -> None:
    """Serve the App until Ctrl-C.

    Args:
        browsed: What it shows; it opens on the first view.
        port: Where it listens, on loopback.
        ready: Called with the address to open, once it answers.

    Raises:
        InputError: If something else listens at the port.
    """
    import fiftyone as fo

    check_port(port)
    add_plugin()
    dataset = browsed.dataset
    first = next(iter(browsed.views), None)
    shown = dataset if first is None else dataset.load_saved_view(first)
    session = fo.launch_app(shown, remote=True, address=ADDRESS, port=port)
    try:
        ready(session.url)
        session.wait(-1)
    except KeyboardInterrupt:
        pass
    finally:
        session.close()


def add_plugin() -> None:
    """Put our plugin where FiftyOne looks for them, beside whatever the user has there."""
    import fiftyone as fo

    to = Path(fo.config.plugins_dir) / "forgebench"
    to.mkdir(parents=True, exist_ok=True)
    for name in ("fiftyone.yml", "__init__.py"):
        shutil.copyfile(Path(__file__).with_name("plugin") / name, to / name)
