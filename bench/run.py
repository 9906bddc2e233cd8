#!/usr/bin/env python3
"""Benchmarks: rates, CPU seconds per million rows, memory. Prints a table; never passes or fails.

Each figure is the median of --runs runs (default 5). Whole-process figures come from the kernel's own accounting of the
finished process. The vendor is ccdata-sim on the other core, warmed by one uncounted run.
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOW = "2026-03-01T12:00:00Z"


class Vendor:
    """ccdata-sim, pinned to the last core."""

    def __init__(self, build, *arguments):
        core = str(os.cpu_count() - 1)
        self.process = subprocess.Popen(["taskset", "-c", core, str(build / "ccdata-sim"), "--unlimited", "--cache_mib", "3072", "--listen", "127.0.0.1:0", "--now", NOW,
                                         *arguments], stdout=subprocess.PIPE, text=True)
        self.url = "http://" + self.process.stdout.readline().split()[1]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def measure(command, environment, folder):
    """Run once; wall seconds, CPU seconds, peak resident bytes, standard output."""
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output = process.stdout.read()
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}\n{output[-2000:].decode()}\n{errors[-2000:].decode()}")
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, output


def vendor_environment(folder, vendor):
    """Nothing of the user's; no limit but the machine's."""
    return {
        "PATH": os.environ["PATH"], "HOME": str(folder), "XDG_STATE_HOME": str(folder), "CCDATA_API_KEY": "bench",
        "DATA_API_BASE_URL": vendor.url, "CCDATA_NOW": NOW, "API_RATE_LIMIT_PER_SECOND": "0",
        "API_RATE_LIMIT_PER_MINUTE": "0", "API_RATE_LIMIT_PER_HOUR": "0", "INGESTION_API_CALL_DELAY": "0",
    }


def ingest_command(build, instruments, start):
    return [str(build / "ccdata"), "futures_ohlcv", "--exchanges", "binance", "--instruments", *instruments, "--interval", "1m",
            "--from", start, "--json", "--progress", "none"]


def ingest(build, vendor, database, instruments, start, pin, runs):
    """Median figures of a run of futures_ohlcv 1m over the given instruments."""
    samples = []
    for run in range(runs + 1):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="ccdata-bench-"))
        try:
            command = [*(["taskset", "-c", pin] if pin else []), *ingest_command(build, instruments, start), "--database", database]
            wall, cpu, rss, output = measure(command, vendor_environment(folder, vendor), folder)
            rows = json.loads(output)["totals"]["rows_fetched"]
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if run > 0:  # the first one warms the vendor's pages
            samples.append((rows / wall, cpu / rows * 1e6, rss, rows))
    return [statistics.median(column) for column in zip(*samples)]


def program(build, name, *arguments):
    path = build / "bench" / name
    if path.exists():
        print(subprocess.run(["taskset", "-c", "0", str(path), *arguments], check=True, capture_output=True, text=True).stdout, end="")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rows10m", action="store_true", help="also the run of 10 million rows for its memory")
    args = parser.parse_args()
    import databases  # it needs this module's helpers
    build = (ROOT / args.build).resolve()
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    print(f"machine: {os.cpu_count()} x {model}, {platform.system()} {platform.release()}; {time.strftime('%Y-%m-%d', time.gmtime())}")
    print(f"median of {args.runs} runs; cpu-s/M = CPU seconds for a million rows, this process only\n")
    program(build, "decode_bench")
    program(build, "store_bench")
    vendor = Vendor(build)
    try:
        btc = ["BTC-USDT-VANILLA-PERPETUAL"]
        two = btc + ["ETH-USDT-VANILLA-PERPETUAL"]
        print(f"\n{'end to end, futures_ohlcv 1m, 36 columns':48} {'rows/s':>12} {'cpu-s/M':>8} {'peak RSS':>10} {'rows':>10}")
        cases = [("fetch + inflate + decode, null store, one core", "null:", two, "2025-03-01", "0"),
                 ("fetch + inflate + decode, null store, two cores", "null:", two, "2025-03-01", None),
                 ("into SQLite, two cores", "sqlite:bench.db", two, "2025-03-01", None)]
        if args.rows10m:
            cases.append(("into SQLite, more than 10 M rows", "sqlite:bench.db", ["*-USDT-VANILLA-PERPETUAL"], "2025-12-01", None))
        for name, database, instruments, start, pin in cases:
            rate, cpu, rss, rows = ingest(build, vendor, database, instruments, start, pin, args.runs)
            print(f"{name:48} {rate:12,.0f} {cpu:8.2f} {rss / 2**20:7.0f} MiB {rows:10,.0f}", flush=True)
        databases.run(build, vendor, 200_000, args.runs)
    finally:
        vendor.stop()


if __name__ == "__main__":
    main()
