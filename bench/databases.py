#!/usr/bin/env python3
"""Benchmarks of server databases: MariaDB and PostgreSQL from Debian, private, on this machine's cores like everything else.

For one and two connections: the bulk statement fed from memory (the ceiling), the store fed from memory, and the whole
program end to end from ccdata-sim. Rows per second; CPU seconds per million rows of the client and of the server. Each
figure is the median of --runs runs into empty tables. Never passes or fails.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests"))
import servers  # noqa: E402
from run import NOW, Vendor, ingest_command, measure, vendor_environment  # noqa: E402

# As a server of this size would be set up; durability stays on.
OPTIONS = {
    "mariadb": ["--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M"],
    "postgres": ["shared_buffers=512MB", "max_wal_size=4GB", "checkpoint_timeout=30min"],
}
STARTERS = {"mariadb": servers.mariadb, "postgres": servers.postgres}
START = "2025-08-01"  # 0.6 M rows: what a run costs before its first row must not count as the rate of its rows
INSTRUMENTS = ["BTC-USDT-VANILLA-PERPETUAL", "ETH-USDT-VANILLA-PERPETUAL"]


def cpu_seconds(server):
    """CPU time of the server's processes, those that ended under it included."""
    ticks = 0
    for pid in servers.processes_of(server.process.pid):
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(int(fields[i]) for i in (11, 12)) + (sum(int(fields[i]) for i in (13, 14)) if pid == server.process.pid else 0)
    return ticks / os.sysconf("SC_CLK_TCK")


class Bench:
    def __init__(self, build, server, vendor, rows, runs):
        self.build, self.server, self.vendor, self.rows, self.runs = build, server, vendor, rows, runs
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ccdata-bench-"))

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self, connections):
        return dict(vendor_environment(self.folder, self.vendor), DB_POOL_SIZE=str(connections), DB_MAX_OVERFLOW="0",
                    CCDATA_DATABASE_URL=self.server.url())

    def empty(self):
        self.server.drop_database(servers.DATABASE)
        self.server.create_database(servers.DATABASE)
        subprocess.run([str(self.build / "ccdata"), "schema", "--create", "-q"], env=self.environment(1), cwd=self.folder,
                       check=True, stdout=subprocess.DEVNULL)

    def from_memory(self, connections, mode):
        command = [str(self.build / "bench" / "database_bench"), self.server.url(), str(connections), str(self.rows), mode]
        rate, cpu = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        return float(rate), float(cpu), self.rows

    def end_to_end(self, connections):
        command = ingest_command(self.build, INSTRUMENTS, START) + ["--parallel_workers", str(max(2, connections))]
        wall, cpu, _, output = measure(command, self.environment(connections), self.folder)
        rows = json.loads(output)["totals"]["rows_fetched"]
        return rows / wall, cpu / rows * 1e6, rows

    def median(self, run, *arguments, warm=0, keep=False):
        samples = []
        for number in range(self.runs + warm):
            if not keep:
                self.empty()
            before = cpu_seconds(self.server)
            rate, client, rows = run(*arguments)
            if number >= warm:
                samples.append((rate, client, (cpu_seconds(self.server) - before) / rows * 1e6))
        return [statistics.median(column) for column in zip(*samples)]


def line(title, figures, ceiling):
    rate, client, server = figures
    share = f"{100 * rate / ceiling:5.0f} %" if ceiling else ""
    print(f"{title:52} {rate:10,.0f} {client:8.2f} {server:8.2f} {share}", flush=True)


def run(build, vendor, rows, runs):
    print(f"\n{'futures_ohlcv 1m, 36 columns':52} {'rows/s':>10} {'client':>8} {'server':>8} {'of ceiling':>7}   (cpu-s/M)")
    for kind, start in STARTERS.items():
        try:
            with start(options=OPTIONS[kind]) as server:
                bench = Bench(build, server, vendor, rows, runs)
                try:
                    for connections in (1, 2):
                        who = f"{kind}, {connections} conn.: "
                        ceiling = bench.median(bench.from_memory, connections, "bare")
                        line(who + "bulk statement from memory", ceiling, None)
                        line(who + "store, fresh pages", bench.median(bench.from_memory, connections, "store"), ceiling[0])
                        line(who + "store, replayed pages", bench.median(bench.from_memory, connections, "replay", keep=True), None)
                        line(who + "end to end", bench.median(bench.end_to_end, connections, warm=1), ceiling[0])
                finally:
                    bench.remove()
        except servers.Unavailable as reason:
            print(f"skipped: {kind}: {reason}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rows", type=int, default=200_000)
    args = parser.parse_args()
    build = (ROOT / args.build).resolve()
    vendor = Vendor(build)
    try:
        run(build, vendor, args.rows, args.runs)
    finally:
        vendor.stop()


if __name__ == "__main__":
    main()
