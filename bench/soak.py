#!/usr/bin/env python3
"""The program at a steady rate of calls for minutes: does its memory grow, does it lose descriptors?

Small pages into the null store, from ccdata-sim on this machine. After a warm-up of a tenth of the time (half a minute at least) the resident size
and the open descriptors are read every second. Prints a table; never passes or fails.
"""
import argparse
import datetime
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

import run as bench

ROOT = pathlib.Path(__file__).resolve().parent.parent
INSTRUMENTS = ["BTC-USDT-VANILLA-PERPETUAL", "ETH-USDT-VANILLA-PERPETUAL", "SOL-USDT-VANILLA-PERPETUAL", "XRP-USDT-VANILLA-PERPETUAL"]
PERIODS_PER_CALL = 10


def resident_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ProcessLookupError


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def calls_of(state_or_log):
    with open(state_or_log, "rb") as log:
        return sum(block.count(b"\n") for block in iter(lambda: log.read(1 << 20), b""))


def watch(process, seconds):
    """(second, KiB, descriptors) once a second until the time is over or the process ends."""
    seen, began = [], time.monotonic()
    while process.poll() is None and time.monotonic() - began < seconds:
        try:
            seen.append((time.monotonic() - began, resident_kib(process.pid), descriptors(process.pid)))
        except (ProcessLookupError, FileNotFoundError):
            break
        time.sleep(1)
    return seen


def report(seen, seconds, calls):
    warm = [sample for sample in seen if sample[0] >= min(max(30, seconds / 10), seconds / 2)]
    fifth = max(1, len(warm) // 5)
    first, last = (statistics.median(kib for _, kib, _ in part) for part in (warm[:fifth], warm[-fifth:]))
    counts = sorted({count for _, _, count in warm})
    print(f"{seen[-1][0]:.0f} s, {calls:,} calls, {calls / seen[-1][0]:,.0f} calls/s")
    print(f"resident size after warm-up {first / 1024:.2f} MiB, at the end {last / 1024:.2f} MiB, drift {(last - first) / 1024:+.2f} MiB, "
          f"peak {max(kib for _, kib, _ in seen) / 1024:.2f} MiB")
    print(f"descriptors {counts[0]}" + (f" to {counts[-1]}" if len(counts) > 1 else ", unchanged"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--rate", type=int, default=1000, help="calls per second")
    args = parser.parse_args()
    build, folder = (ROOT / args.build).resolve(), pathlib.Path(tempfile.mkdtemp(prefix="ccdata-soak-"))
    vendor = bench.Vendor(build, "--log", str(folder / "calls"))
    minutes = args.rate * args.seconds * PERIODS_PER_CALL // len(INSTRUMENTS) + 10000
    start = (datetime.datetime.fromisoformat(bench.NOW.replace("Z", "+00:00")) - datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M")
    settings = dict(bench.vendor_environment(folder, vendor), API_RATE_LIMIT_PER_SECOND=str(args.rate), INGESTION_PARALLEL_WORKERS="16",
                    INGESTION_MAX_API_LIMIT=str(PERIODS_PER_CALL))
    command = [str(build / "ccdata"), "futures_ohlcv", "--exchanges", "binance", "--instruments", *INSTRUMENTS, "--interval", "1m", "--from", start,
               "--json", "--progress", "none", "--database", "null:"]
    process = subprocess.Popen(command, env=settings, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        seen = watch(process, args.seconds)
        report(seen, args.seconds, calls_of(folder / "calls"))
    finally:
        process.kill()
        errors = process.communicate()[1]
        if process.returncode not in (0, -9):
            print(errors.decode(errors="replace")[-2000:])
        vendor.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
