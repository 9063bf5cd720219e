"""``python -m bench``: seeds, measures, prints one table. Misses do not change the exit status."""

import argparse
import logging
import os
import tempfile
import time
import warnings
from pathlib import Path

from bench.cluster import cluster, url

PARTS = (
    "accounts", "search", "audit", "export", "sessions", "writes", "sign-in", "api", "sqlite", "resources", "mail",
    "upload",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--scale", choices=("full", "small"), default="full", help="small takes about two minutes")
    parser.add_argument("--data", type=Path, help="folder that keeps the seeded databases for the next run")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="which parts to measure")
    parser.add_argument("--markdown", type=Path, help="write the table to this file as well")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agora-bench-") as scratch, cluster(chosen.data) as socket:
        os.environ["DATABASE_URL"] = url(socket, "postgres")
        os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
        import django

        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        django.setup()
        from bench.run import run

        started = time.monotonic()
        table = run(chosen.scale, socket, chosen.data or Path(scratch), chosen.only)
        print(f"\n{table}\n{(time.monotonic() - started) / 60:.0f} minutes")
        if chosen.markdown:
            chosen.markdown.write_text(table)


if __name__ == "__main__":
    main()
