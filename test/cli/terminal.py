"""Runs a command on a terminal of its own, types what is to be typed after each prompt, and writes what the screen showed.

Usage: terminal.py '[["prompt", "typed"], ...]' COMMAND [ARGUMENT ...]
"""

import json
import os
import pty
import sys

steps = [(prompt.encode(), typed.encode()) for prompt, typed in json.loads(sys.argv[1])]
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
shown = b""
read = 0
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:  # Linux says so when the other side is closed.
        part = b""
    if part == b"":
        break
    shown += part
    while steps and (found := shown.find(steps[0][0], read)) >= 0:
        prompt, typed = steps.pop(0)
        read = found + len(prompt)
        os.write(terminal, typed)
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
