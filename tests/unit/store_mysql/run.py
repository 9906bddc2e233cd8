#!/usr/bin/env python3
"""Run the tests of the MySQL-family driver: run.py PROGRAM [GLOB].

The program asks for servers over a pipe, one line per request, words separated by tabs, and gets one line back:
  start WORD…   → ok ID PORT SOCKET FOLDER PID     words: tls, host=NAME, tz=+05:30, --option-of-mariadbd
  kill|restart|freeze|thaw|stop ID   → ok
  restart ID --option…               → ok          (other options from now on)
  sql ID STATEMENTS                  → ok ROW…     (as the administrator; cells of a row separated by \\x1f)
Anything that goes wrong is answered "error WHY".
"""
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
import servers  # noqa: E402


class Desk:
    """Answers the program's requests."""

    def __init__(self):
        self.servers = []

    def start(self, *words):
        settings = {"options": [w for w in words if w.startswith("--")], "tls": "tls" in words}
        for word in words:
            if word.startswith("host="):
                settings["tls_host"] = word[5:]
            if word.startswith("tz="):
                settings["tz"] = word[3:]
        server = servers.MariaDB(**settings)
        server.folder.chmod(0o755)  # the program may be another user
        self.servers.append(server)
        return [len(self.servers) - 1, server.port, server.socket, server.folder, server.process.pid]

    def kill(self, server):
        server.kill()

    def restart(self, server, *options):
        server.restart(list(options) or None)
        return [server.process.pid]

    def freeze(self, server):
        os.kill(server.process.pid, signal.SIGSTOP)
        stopped = "T"
        while pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()[0] != stopped:
            time.sleep(0.005)

    def thaw(self, server):
        os.kill(server.process.pid, signal.SIGCONT)

    def stop(self, server):
        server.stop()

    def sql(self, server, statements):
        return ["\x1f".join(row) for row in server.sql(statements, servers.DATABASE)]

    def answer(self, line):
        verb, *words = line.rstrip("\n").split("\t")
        try:
            if verb != "start":
                words[0] = self.servers[int(words[0])]
            return "\t".join(["ok", *map(str, getattr(self, verb)(*words) or [])])
        except (servers.Unavailable, OSError, RuntimeError, subprocess.SubprocessError) as reason:
            return "error\t" + " ".join(str(reason).split())

    def close(self):
        for server in self.servers:
            if server.process:
                if server.alive():
                    os.kill(server.process.pid, signal.SIGCONT)
                server.stop()


def main():
    program, *rest = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, servers.ended_by_signal)
    try:
        servers.MariaDB.find(type("Probe", (), {})())
    except servers.Unavailable as reason:
        print(f"skipped: store_mysql: {reason}")
        return 77
    ask_r, ask_w = os.pipe()
    answer_r, answer_w = os.pipe()
    desk = Desk()
    try:
        environment = dict(os.environ, CCDATA_TEST_DESK=f"{ask_w} {answer_r}")
        process = subprocess.Popen([program, *rest], env=environment, pass_fds=(ask_w, answer_r))
        os.close(ask_w)
        os.close(answer_r)
        with os.fdopen(ask_r, encoding="utf-8", errors="replace") as asked, os.fdopen(answer_w, "w", encoding="utf-8") as answers:
            for line in asked:
                print(desk.answer(line), file=answers, flush=True)
        return process.wait()
    finally:
        desk.close()


if __name__ == "__main__":
    sys.exit(main())
