#!/usr/bin/env python3
"""Metrics: counts that are the truth, a format that promtool takes, a real Prometheus that scrapes a run and the daemon, rules and a dashboard."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

import harness
import servers

NOW = "2026-03-01T12:00:00Z"
BTC = ["spot_ohlcv", "--specific_market", "kraken", "--specific_instrument", "BTC-USD", "--progress", "none"]
PACKAGING = harness.ROOT / "packaging"
SAMPLE = re.compile(r'^([a-z_]+)(?:\{([^}]*)\})? (\S+)$')


def parse(text):
    """(name, labels as text) -> value."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        assert match, line
        key = (match[1], match[2] or "")
        assert key not in found, f"{key} twice"
        found[key] = float(match[3])
    return found


def total(samples, name, part=""):
    return sum(value for (family, labels), value in samples.items() if family == name and part in labels)


def tool(*arguments, **options):
    if not shutil.which("promtool"):
        raise harness.Skip("no promtool")
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, **options)


def get(url):
    with urllib.request.urlopen(url, timeout=5) as reply:
        return reply.read().decode()


def test_counts_are_the_truth(world):
    """I16: counters against the report, the vendor's log and the database."""
    file = world.folder / "ccdata.prom"
    world.environment["CCDATA_METRICS_FILE"] = str(file)
    with harness.simulator(world, "--now", NOW, "--fault", "error_500=0.1", "--fault", "error_429=0.05") as sim:
        document = world.run_json(*BTC, "--interval", "1h", "--from", "2026-01-20", vendor=sim.url, expect=0,
                                  environment={"CCDATA_NOW": NOW, "INGESTION_MAX_API_LIMIT": "50", "API_MAX_RETRIES": "15"})
        requests = sim.requests()
    samples = parse(file.read_text())
    candles = 'endpoint="candles"'
    assert total(samples, "ccdata_calls_total") == len(requests), (samples, len(requests))
    assert total(samples, "ccdata_calls_total", candles) == len(sim.candle_requests()) == document["totals"]["calls"]
    assert total(samples, "ccdata_throttled_total") == sum(request["status"] == 429 for request in requests)
    assert total(samples, "ccdata_calls_total", 'outcome="server_error"') == sum(request["status"] == 500 for request in requests)
    assert total(samples, "ccdata_retries_total") == sum(request["status"] != 200 for request in requests)
    stored = world.query("SELECT count(*) FROM spot_ohlcv_1h")[0][0]
    assert total(samples, "ccdata_rows_inserted_total", "spot_ohlcv") == stored == document["totals"]["rows_written"]
    assert total(samples, "ccdata_call_duration_seconds_count") == len(requests)
    assert total(samples, "ccdata_commits_total", "committed") == total(samples, "ccdata_commit_duration_seconds_count") > 0
    assert samples["ccdata_coverage_ratio", 'data_type="spot_ohlcv",interval="1h"'] == 1
    assert samples["ccdata_missing_periods", 'data_type="spot_ohlcv",interval="1h"'] == 0
    assert samples["ccdata_refreshed_timestamp_seconds", ""] == 1772366400
    assert samples["ccdata_run_exit_code", ""] == 0 and samples["ccdata_runs_total", 'outcome="complete"'] == 1
    assert samples["ccdata_last_success_timestamp_seconds", 'data_type="spot_ohlcv",interval="1h"'] == 1772366400
    assert samples["ccdata_queue_depth", ""] == samples["ccdata_calls_in_flight", ""] == 0
    assert file.stat().st_mode & 0o777 == 0o644 and not list(world.folder.glob("ccdata.prom.*"))
    again = tool("check", "metrics", input=file.read_text())
    assert again.returncode == 0 and not again.stderr and not again.stdout, again.stdout + again.stderr


def test_gaps_are_counted(world):
    with harness.simulator(world, "--now", NOW) as sim:
        world.run_json(*BTC, "--from", "2026-01-01", vendor=sim.url, environment={"CCDATA_NOW": NOW})
    import sqlite3
    connection = sqlite3.connect(world.database)
    connection.execute("DELETE FROM ccdata_coverage")
    connection.execute("INSERT INTO ccdata_coverage SELECT series_id, 86400, 1767225600, 1769904000, 'stored', 1772366400, NULL FROM dim_series")
    connection.commit()
    connection.close()
    result = world.run("metrics", environment={"CCDATA_NOW": NOW})
    samples = parse(result.stdout)
    label = 'data_type="spot_ohlcv",interval="1d"'
    assert result.returncode == 0 and samples["ccdata_missing_periods", label] == 28 and samples["ccdata_series_behind", label] == 1, samples
    assert abs(samples["ccdata_coverage_ratio", label] - 31 / 59) < 1e-5
    assert tool("check", "metrics", input=result.stdout).returncode == 0


def test_a_file_that_cannot_be_written_ends_no_run(world):
    with harness.simulator(world, "--now", NOW) as sim:
        result = world.run(*BTC, "--from", "2026-02-01", "--metrics_file", "/nowhere/ccdata.prom", vendor=sim.url, environment={"CCDATA_NOW": NOW})
    assert result.returncode == 0 and "cannot write the metrics" in result.stderr, result.stderr


def test_a_database_that_cannot_be_read_is_said(world):
    away = world.run("metrics", "--database", "postgresql://nobody@127.0.0.1:9/none", database=False, environment={"CCDATA_NOW": NOW})
    assert away.returncode == 8 and "127.0.0.1:9" in away.stderr and not away.stdout, (away.returncode, away.stderr)
    world.database.write_text("no database " * 1000)
    broken = world.run("metrics", environment={"CCDATA_NOW": NOW})
    assert broken.returncode != 0 and broken.stderr and not broken.stdout, (broken.returncode, broken.stderr)


def test_only_a_regular_file_is_replaced(world):
    """A device, as /dev/null is for root, a fifo or a link to one stays what it is."""
    fifo, link = world.folder / "fifo", world.folder / "link"
    os.mkfifo(fifo)
    link.symlink_to(fifo)
    with harness.simulator(world, "--now", NOW) as sim:
        for path in (fifo, link, world.folder):
            result = world.run(*BTC, "--from", "2026-02-01", "--metrics_file", path, vendor=sim.url, environment={"CCDATA_NOW": NOW})
            assert result.returncode == 0 and "no regular file" in result.stderr, result.stderr
    assert fifo.is_fifo() and link.is_symlink() and world.folder.is_dir()


def test_a_run_that_cannot_begin_is_a_failed_one(world):
    """Nothing is recorded in a database that is away; a rule waits for the exit code all the same."""
    file = world.folder / "ccdata.prom"
    with harness.simulator(world, "--now", NOW) as sim:
        good = world.run(*BTC, "--from", "2026-02-01", "--metrics_file", file, vendor=sim.url, environment={"CCDATA_NOW": NOW})
        assert good.returncode == 0 and parse(file.read_text())["ccdata_run_exit_code", ""] == 0, good.stderr
    away = world.run(*BTC, "--database", "postgresql://nobody@127.0.0.1:9/none", "--metrics_file", file, database=False, environment={"CCDATA_NOW": NOW})
    samples = parse(file.read_text())
    assert away.returncode == 8 == samples["ccdata_run_exit_code", ""] and samples["ccdata_runs_total", 'outcome="failed"'] == 1, away.stderr
    assert ("ccdata_refreshed_timestamp_seconds", "") not in samples, "nothing was read"


def test_hostile_names_become_no_labels(world):
    file = world.folder / "ccdata.prom"
    with harness.simulator(world, "--now", NOW, "--hostile_names") as sim:
        result = world.run("spot_ohlcv", "--pair_limit", "200", "--from", "2026-02-25", "--progress", "none", "--metrics_file", file, vendor=sim.url,
                           environment={"CCDATA_NOW": NOW})
        assert result.returncode in (0, 1), result.stderr
    samples = parse(file.read_text())
    assert len(samples) < 2000 and total(samples, "ccdata_rows_inserted_total") > 0
    assert all(re.fullmatch(r'[a-z_0-9=",.+ A-Z]*', labels) for _, labels in samples), samples


@contextlib.contextmanager
def prometheus(world, target, interval="200ms"):
    if not shutil.which("prometheus"):
        raise harness.Skip("no prometheus")
    port = servers.free_port()
    config = (PACKAGING / "prometheus" / "prometheus.yml").read_text()
    config = config.replace("127.0.0.1:9464", target).replace("scrape_interval: 15s", f"scrape_interval: {interval}")
    (world.folder / "prometheus.yml").write_text(config)
    shutil.copy(PACKAGING / "prometheus" / "ccdata.rules.yml", world.folder)
    server = subprocess.Popen(["prometheus", f"--config.file={world.folder}/prometheus.yml", f"--storage.tsdb.path={world.folder}/tsdb",
                               f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield lambda expression: json.loads(get(f"http://127.0.0.1:{port}/api/v1/query?query={urllib.request.quote(expression)}"))["data"]["result"]
    finally:
        server.terminate()
        server.wait()


def ask(query, expression, seconds=40):
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            result = query(expression)
            if result:
                return result
        assert time.monotonic() < until, f"no answer to {expression}"
        time.sleep(0.2)


def test_a_real_prometheus_scrapes_a_run(world):
    port = servers.free_port()
    served = {"PROMETHEUS_ENABLED": "true", "PROMETHEUS_PORT": str(port), "CCDATA_NOW": NOW, "INGESTION_MAX_API_LIMIT": "20"}
    with harness.simulator(world, "--now", NOW, "--latency_ms", "100") as sim, prometheus(world, f"127.0.0.1:{port}") as query:
        run = world.start(*BTC, "--interval", "1h", "--from", "2025-06-01", vendor=sim.url, environment=served)
        try:
            calls = ask(query, 'sum(ccdata_calls_total{endpoint="candles",outcome="ok"}) > 5')
            assert float(calls[0]["value"][1]) > 5
            assert ask(query, 'up{job="ccdata"} == 1')
            assert ask(query, "ccdata_build_info")[0]["metric"]["version"]
            before = parse(get(f"http://127.0.0.1:{port}/metrics"))
            time.sleep(0.5)
            after = parse(get(f"http://127.0.0.1:{port}/metrics"))
            shrunk = [key for key, value in before.items() if key[0].endswith(("_total", "_count", "_bucket")) and after[key] < value]
            assert not shrunk and total(after, "ccdata_calls_total") > total(before, "ccdata_calls_total")
        finally:
            run.send_signal(signal.SIGINT)
            run.communicate(timeout=30)


def test_the_daemon_serves_metrics_health_and_status(world):
    port = servers.free_port()
    (world.folder / "daemon.json").write_text(json.dumps([{"data_type": "spot_ohlcv", "interval": "1d", "specific_market": "kraken", "every": "1d",
                                                           "specific_instrument": "BTC-USD", "from": time.strftime("%Y-%m-%d", time.gmtime(time.time() - 20 * 86400))}]))
    with harness.simulator(world, "--cache_s", "0") as sim:
        daemon = world.start("daemon", "--config", "daemon.json", vendor=sim.url,
                             environment={"PROMETHEUS_ENABLED": "true", "PROMETHEUS_PORT": str(port)})
        try:
            until = time.monotonic() + 30
            while True:
                with contextlib.suppress(urllib.error.URLError, ConnectionError):
                    status = json.loads(get(f"http://127.0.0.1:{port}/status"))
                    if status["operations"][0]["last_exit_code"] is not None:
                        health = json.loads(get(f"http://127.0.0.1:{port}/healthz"))
                        break
                assert time.monotonic() < until, "no status"
                time.sleep(0.1)
            assert status["operations"][0]["last_exit_code"] == 0, (status, daemon.poll())
            assert status["operations"][0]["next_start"] > status["operations"][0]["last_end"]
            assert {check["name"] for check in health["checks"]} >= {"database", "vendor", "quota", "freshness"}
            samples = parse(get(f"http://127.0.0.1:{port}/metrics"))
            assert total(samples, "ccdata_rows_inserted_total") > 0 and samples["ccdata_coverage_ratio", 'data_type="spot_ohlcv",interval="1d"'] == 1
            assert 1 <= samples["ccdata_open_connections", ""] < samples["ccdata_open_descriptors", ""], samples
            request = urllib.request.Request(f"http://127.0.0.1:{port}/healthz", headers={"Host": "evil.example"})
            try:
                urllib.request.urlopen(request, timeout=5)
                raise AssertionError("another Host was served")
            except urllib.error.HTTPError as refused:
                assert refused.code == 421
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.communicate(timeout=30)
        assert daemon.returncode == 0


def test_rules_fire(world):
    """promtool plays series as a daemon, or a file that no run writes any more, shows them."""
    shutil.copy(PACKAGING / "prometheus" / "ccdata.rules.yml", world.folder)
    first = parse(world.run("metrics", environment={"CCDATA_NOW": NOW}).stdout)
    counter = 'ccdata_rows_quarantined_total{data_type="spot_ohlcv"}'
    begins = "0x10" if ("ccdata_rows_quarantined_total", 'data_type="spot_ohlcv"') in first else "_x10"
    day = 1440
    cases = [("CcdataQuarantine", counter, f"{begins} 3x50", "30m", True), ("CcdataQuarantine", counter, "0x60", "30m", False),
             ("CcdataNoSuccess", 'ccdata_last_success_timestamp_seconds{data_type="spot_ohlcv",interval="1d"}', f"0x{3 * day}", "50h", True),
             ("CcdataNoSuccess", 'ccdata_last_success_timestamp_seconds{data_type="assets",interval=""}', f"0x{3 * day}", "50h", False),
             ("CcdataOutdated", "ccdata_refreshed_timestamp_seconds", f"0x{3 * day}", "50h", True),
             ("CcdataOutdated", "ccdata_refreshed_timestamp_seconds", f"0+60x{3 * day}", "50h", False)]
    cases += [("CcdataRunFailed", "ccdata_run_exit_code", f"{code}x60", "30m", fires) for code, fires in ((0, False), (1, False), (2, True), (5, False), (8, True), (130, False))]
    for rule, series, values, when, fires in cases:
        (world.folder / "rules_test.yml").write_text(json.dumps({"rule_files": ["ccdata.rules.yml"], "evaluation_interval": "1m", "tests": [{
            "interval": "1m", "input_series": [{"series": series, "values": values}],
            "promql_expr_test": [{"expr": f'count(ALERTS{{alertname="{rule}",alertstate="firing"}})', "eval_time": when,
                                  "exp_samples": [{"labels": "{}", "value": 1}] if fires else []}]}]}))
        played = tool("test", "rules", world.folder / "rules_test.yml")
        assert played.returncode == 0, (rule, values, played.stdout + played.stderr)


def test_rules_and_dashboard_ask_for_what_there_is(world):
    checked = tool("check", "rules", PACKAGING / "prometheus" / "ccdata.rules.yml")
    assert checked.returncode == 0 and "10 rules found" in checked.stdout, checked.stdout + checked.stderr
    shutil.copy(PACKAGING / "prometheus" / "ccdata.rules.yml", world.folder)
    shutil.copy(PACKAGING / "prometheus" / "prometheus.yml", world.folder)
    assert tool("check", "config", world.folder / "prometheus.yml").returncode == 0
    known = set(re.findall(r"^\| `(ccdata_\w+)` \|", world.run("metrics", "--markdown").stdout, re.M))
    assert len(known) > 20
    dashboard = json.loads((PACKAGING / "grafana" / "ccdata.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    expressions += re.findall(r"^ *expr: (.*)$", (PACKAGING / "prometheus" / "ccdata.rules.yml").read_text(), re.M)
    asked = {re.sub(r"_(bucket|count|sum)$", "", name) for text in expressions for name in re.findall(r"ccdata_\w+", text)}
    assert len(expressions) > 20 and asked <= known, asked - known


harness.main(globals())
