"""`python -m arenite.ray`: what pools there are, and on which nodes their images are.

Example:  python -m arenite.ray status --address 10.0.0.1:6379
"""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

import click
from rich.console import Console
from rich.table import Table

from arenite.errors import AreniteError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Forks on many machines, by Ray.

    A pool (`arenite.ray.Pool`) has workers on the nodes of a Ray cluster; each node has mapped the pool's image once, and workers fork it for each piece of
    work.  These commands look at a cluster from outside, and make images; work is given to pools from Python.
    """


@main.command()
@click.option(
    "--address", metavar="HOST:PORT", envvar="RAY_ADDRESS", default="auto", show_default=True, help="The cluster to look at."
)
@click.option(
    "--seconds", type=click.FloatRange(0.1), default=2.0, show_default=True, help="How long to wait for workers that are busy."
)
def status(address: str, seconds: float) -> None:
    """Nodes, the pools on them, and the image that each has mapped.

    A worker that is in the middle of something tells nothing of itself in that time, and is shown as busy.
    """
    from arenite.ray.cluster import Cluster  # noqa: PLC0415 (`--help` needs no Ray)
    from arenite.ray.status import looked  # noqa: PLC0415 (as above)

    cluster = Cluster(address)
    table = Table("node", "address", "CPUs", "pool", "worker", "image", "MiB", "answered", "boxes", "state")
    for row in looked(cluster, seconds):
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


@main.command()
@click.argument("url")
@click.option(
    "--guest", type=click.Choice(["python", "javascript"]), default="python", show_default=True, help="What runs the code."
)
@click.option("--key-file", type=click.File("rb"), help="A file of 16 to 64 bytes: who opens the image needs it.")
def image(url: str, guest: str, key_file: BinaryIO | None) -> None:
    """Make the image of a guest that has started, and save it at URL: a path, or any URL that fsspec knows.

    `Image.open(URL)` opens it again, and pools take that.
    """
    from arenite import Sandbox  # noqa: PLC0415 (as above)
    from arenite.ray.image import Image  # noqa: PLC0415 (as above)

    key = None if key_file is None else key_file.read()
    with Sandbox.python() if guest == "python" else Sandbox.javascript() as box:
        made = Image.of(box, key=key)
    made.save(url)
    click.echo(f"{url}: {made.kind.size >> 20} MiB, {made.kind.id}")


def run() -> None:
    """What `python -m` runs: errors are told in a line."""
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    try:
        main(prog_name="python -m arenite.ray")
    except (AreniteError, ImportError, ConnectionError) as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    run()
