"""The proxy alone between a script and its servers (bare_proxy.cpp), and what the machine tells about it."""

import json
import os
import re
import subprocess
import sys
import time

from gateway import PROGRAM
from gateway import wait_until as eventually  # noqa: F401 - for those who import it from here

BARE_PROXY = os.path.join(os.path.dirname(os.path.abspath(PROGRAM)), "tests", "bare_proxy")
# The sanitizers make everything slow and large: figures then mean nothing, only reports and hangs do.
SANITIZED = os.environ.get("SANITIZER", "OFF") not in ("", "OFF")


class BareProxy:
    """with BareProxy(routes={"/a/": "127.0.0.1:4711"}, header_timeout=2) as proxy: ..."""

    def __init__(self, routes, preexec=None, **limits):
        arguments = [f"{key}={value}" for key, value in {**limits, **routes}.items()]
        self.process = subprocess.Popen([BARE_PROXY] + arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, preexec_fn=preexec)
        line = self.process.stdout.readline()
        if not line.strip():
            raise AssertionError(f"bare_proxy did not start: {self.process.wait(5)}")
        self.port = int(line)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        code = self.stop()
        assert kind is not None or code == 0, f"bare_proxy ended with {code}"

    def stop(self):
        self.process.stdin.close()
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process.stdout.close()
        return code

    def command(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def counters(self):
        return json.loads(self.command("counters"))

    def rss(self):
        """Bytes that are its own: shared libraries do not count."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            return int(re.search(r"^Pss_Anon:\s+(\d+)", file.read(), re.M).group(1)) * 1024

    def descriptors(self):
        """A pooled connection or the log (it opens standard error anew with its first line) may make it one more."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu(self):
        """Seconds of processor time so far."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_all(tests):
    """Runs the functions one after the other and tells how long each took; any exception ends the program."""
    for test in tests:
        began = time.monotonic()
        told = test()
        print(f"{test.__name__}: {told or 'well'} ({time.monotonic() - began:.1f} s)")
        sys.stdout.flush()
