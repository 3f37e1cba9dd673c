"""A managed service that tells what it was started with: writes told.json where it starts, begins a child that heeds no SIGTERM, and
waits."""

import json
import os
import subprocess
import sys
import time

CHILD = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"

child = subprocess.Popen([sys.executable, "-c", CHILD])
with open("told.new", "w") as file:
    json.dump({"pid": os.getpid(), "child": child.pid, "cwd": os.getcwd(), "environment": dict(os.environ)}, file)
os.replace("told.new", "told.json")
time.sleep(600)
