#!/usr/bin/env python3
"""Run a program against private PostgreSQL servers: run.py PROGRAM [ARGUMENT…].

The servers: "main" (its time zone is Asia/Kolkata), "tls" (certificate for localhost and 127.0.0.1), "other" (certificate for
other.invalid by another authority) and "fixed" (read only). The program finds them in CCDATA_TEST_PG_NAME = "PORT FOLDER"; it
asks for what only we can do over the pipe CCDATA_TEST_DESK = "WRITE_FD READ_FD", one line for each request and answer:
  kill NAME (SIGKILL to all of it), quit NAME (an immediate shutdown), restart NAME,
  freeze NAME, thaw NAME (its processes stop and go on)   → ok, or the reason why not
"""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
import servers  # noqa: E402

SETTINGS = {
    "main": {"tz": "Asia/Kolkata", "options": ["deadlock_timeout=100ms"]},
    "tls": {"tls": True},
    "other": {"tls": True, "tls_host": "other.invalid"},
    "fixed": {"options": ["default_transaction_read_only=on"]},
}
# What a user's environment may say; none of it may matter.
ENVIRONMENT = {"TZ": "America/New_York", "PGTZ": "Asia/Tokyo", "PGDATESTYLE": "German", "PGOPTIONS": "-c extra_float_digits=-5"}


def signal_all(server, number):
    for pid in servers.processes_of(server.process.pid):
        os.kill(pid, number)


def answer(line, started):
    verb, name = line.split()
    server = started[name]
    try:
        if verb == "kill":
            server.kill()
        elif verb == "quit":
            os.kill(server.process.pid, signal.SIGQUIT)
            server.process.wait(servers.STOP_S)
        elif verb in ("freeze", "thaw"):
            signal_all(server, signal.SIGSTOP if verb == "freeze" else signal.SIGCONT)
        else:
            server.restart()
        return "ok"
    except (servers.Unavailable, OSError, subprocess.SubprocessError) as reason:
        return " ".join(str(reason).split())


def start(name, settings, stack):
    """A server. The one that is read only gets its database before."""
    options = settings.get("options", []) if name == "fixed" else []
    server = stack.enter_context(servers.postgres(**{**settings, "options": [] if options else settings.get("options", [])}))
    if options:
        server.restart(options)
    server.folder.chmod(0o755)  # the program may be another user
    return server


def serve(command, started):
    ask_r, ask_w = os.pipe()
    answer_r, answer_w = os.pipe()
    environment = {**os.environ, **ENVIRONMENT, "CCDATA_TEST_DESK": f"{ask_w} {answer_r}"}
    for name, server in started.items():
        environment[f"CCDATA_TEST_PG_{name.upper()}"] = f"{server.port} {server.folder}"
    process = subprocess.Popen(command, env=environment, pass_fds=(ask_w, answer_r))
    os.close(ask_w)
    os.close(answer_r)
    with os.fdopen(ask_r) as asked, os.fdopen(answer_w, "w") as answers:
        for line in asked:
            print(answer(line, started), file=answers, flush=True)
    return process.wait()


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, servers.ended_by_signal)
    with contextlib.ExitStack() as stack:
        try:
            started = {name: start(name, settings, stack) for name, settings in SETTINGS.items()}
        except servers.Unavailable as reason:
            print(f"skipped: store_postgres: {reason}\n0 passed, 0 failed, 1 skipped")
            return 77
        return serve(sys.argv[1:], started)


if __name__ == "__main__":
    sys.exit(main())
