"""Somebody's Chromium, the gateway, and a Jupyter notebook in a job on a node: `browser_test.py oar` and `browser_test.py slurm`, each
directly and through the wormhole (with nodes that drop whoever connects to them). LONG=1 also waits for the end of the reserved time.
Screenshots go to $ARTEFACTS/cluster-<system>-<way>."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time

from cluster import HERE, Oar, Slurm
from house import House, PASSWORD, profile, wait_until


def visit(peer, house, way, minutes):
    shots = os.path.join(os.environ.get("ARTEFACTS", os.path.join(tempfile.gettempdir(), "passerelle-artefacts")), f"cluster-{peer.system}-{way}")
    begun = time.monotonic()
    done = subprocess.run(["node", os.path.join(HERE, "in_browser.mjs"), f"http://127.0.0.1:{house.gateway.port}/", "psl-alice", PASSWORD, way,
                           str(minutes), shots], capture_output=True, text=True, timeout=600)
    print(done.stdout, end="")
    assert done.returncode == 0, done.stderr[-3000:]
    alice = house.person()
    if not minutes:
        alice.stop()
    alice.wait_stopped(60)
    wait_until("the job is gone", lambda: not peer.ours(), 90, 0.5)
    print(f"  {peer.system}, {way}: {time.monotonic() - begun:.1f} s", flush=True)


def main():
    peer = {"oar": Oar, "slurm": Slurm}[sys.argv[1]]()
    minutes = 2 if os.environ.get("LONG") else 0
    notebook = {**profile(), "command": ["jupyter-notebook"], "default_url": "tree"}
    profiles = {"direct": notebook, "wormhole": {**notebook, "spawner": "hole"}}
    peer.up()
    peer.clear()
    try:
        with House(peer, profiles, more={"hole": {"transport": "wormhole"}}) as house:
            for way in sys.argv[2:] or ("direct", "wormhole"):
                with peer.firewall() if way == "wormhole" else contextlib.nullcontext():
                    visit(peer, house, way, minutes)
    finally:
        if not os.environ.get("KEEP_PEER"):
            peer.down()
    print(f"{peer.system}: all is well")


if __name__ == "__main__":
    main()
