#!/usr/bin/env python3
"""`passerelle chart initial-values` as a chart's author calls it: a folder or an archive, roles, overrides, errors."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data", "charts")


def chart(*arguments):
    return subprocess.run([os.environ["PASSERELLE"], "chart", "initial-values", *arguments],
                          capture_output=True, text=True, timeout=30)


def data(name):
    return os.path.join(DATA, name)


class Command(unittest.TestCase):
    def expect(self, name, *arguments):
        done = chart(*arguments, "--context", data("context.json"), "--overrides", data("overrides"))
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(data("expected/minilab.%s.json" % name), encoding="utf-8") as file:
            self.assertEqual(list(json.loads(done.stdout).items()), list(json.load(file).items()))

    def test_folder(self):
        self.expect("default", data("minilab"))
        self.expect("default", data("minilab"), "--roles", "staff")
        self.expect("guest", data("minilab"), "--roles", "guest")
        self.expect("guest", data("minilab"), "--roles", "staff, guest")

    def test_archive(self):
        with tempfile.TemporaryDirectory() as folder:
            archive = os.path.join(folder, "minilab-0.3.1.tgz")
            subprocess.run(["tar", "-czf", archive, "-C", DATA, "minilab"], check=True)
            self.expect("default", archive)

    def test_errors(self):
        done = chart("/nowhere")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("there is no such chart", done.stderr)
        done = chart(data("minilab"), "--overrides", "/nowhere")
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no such folder", done.stderr)
        done = chart(data("minilab"), "--context", data("minilab/values.yaml"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("not valid JSON", done.stderr)
        self.assertEqual(chart().returncode, 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
