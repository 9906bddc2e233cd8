"""What the tests of dying and missing servers share: a run over two series, and what an undisturbed one gives."""
import contextlib
import sys
import time

import dumps
import harness

sys.path.insert(0, str(harness.ROOT / "tests"))
import servers  # noqa: E402

NOW = "2026-03-01T12:00:00Z"
COMMAND = ["futures_ohlcv", "--exchanges", "binance", "--instruments", "BTC-USDT-VANILLA-PERPETUAL", "ETH-USDT-VANILLA-PERPETUAL",
           "--interval", "1h", "--from", "2025-09-01", "--progress", "none"]
SMALL = {"CCDATA_NOW": NOW, "INGESTION_MAX_API_LIMIT": "32", "INGESTION_CHUNK_SIZE": "1"}
VIEW, FACT = "futures_ohlcv_1h", "fact_futures_ohlcv_1h"



@contextlib.contextmanager
def stage(world, kind, seed):
    """A vendor, a server, and what an undisturbed run gives."""
    whole = harness.World()
    try:
        with harness.simulator(world, "--now", NOW, "--seed", seed, "--latency_ms", "1") as sim, harness.server_of(kind) as server:
            result = whole.run(*COMMAND, vendor=sim.url, environment=SMALL)
            assert result.returncode == 0, result.stderr
            whole.digest = dumps.digest(whole, VIEW)
            yield sim, server, whole
    except servers.Unavailable as reason:
        raise harness.Skip(f"{kind}: {reason}") from reason
    finally:
        whole.remove()


def commits(world):
    try:
        return dumps.ask(world, "SELECT count(*) FROM ccdata_coverage")[0][0]
    except RuntimeError:
        return 0  # no table yet


def check_sound(world):
    """No coverage without its rows; the number of commits."""
    count = commits(world)
    lost = dumps.lost_rows(world, FACT) if count else []
    assert not lost, f"coverage without rows: {lost[:3]}"
    return count


def check_equal(world, whole):
    """All rows of the undisturbed run, and no others; their number."""
    check_sound(world)
    mine = dumps.digest(world, VIEW)
    assert mine == whole.digest, dumps.first_difference(world, whole, VIEW)
    result = world.run("diff", world.url, whole.url, database=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return mine[0]


def finish(world, sim, whole):
    result = world.run(*COMMAND, vendor=sim.url, environment=SMALL)
    assert result.returncode == 0, result.stderr
    return check_equal(world, whole)


def ended_well(process, codes):
    """The run ends by itself, with a code that is expected after what happened to it."""
    _, errors = process.communicate(timeout=120)
    assert process.returncode in codes, f"exit {process.returncode}\n{errors[-2000:].decode(errors='replace')}"


class Vendor:
    """Counts the pages that the vendor was asked for: what says how far a run is, however slow the machine."""

    def __init__(self, sim):
        self.log, self.place, self.count = sim.log, 0, 0

    def pages(self):
        with open(self.log, "rb") as log:
            log.seek(self.place)
            text = log.read()
        whole = text[:text.rfind(b"\n") + 1]
        self.place += len(whole)
        self.count += whole.count(b"/historical/")
        return self.count

    def wait(self, process, more):
        """Whether the process lives after so many more pages."""
        until = self.pages() + more
        deadline = time.monotonic() + 120
        while self.pages() < until:
            if process.poll() is not None:
                return False
            assert time.monotonic() < deadline, f"no {more} pages in two minutes"
            time.sleep(0.002)
        return process.poll() is None
