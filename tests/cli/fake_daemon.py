"""A daemon that says what a script tells it, for tests of oxctl: fake_daemon.py SOCKET SCRIPT LOG.

The script is JSON: a method to its answer, or to a list of answers (the last one stays).  An answer is an object:
	result, error	what is answered; "@pid" in it is the pid of this process
	silent		no answer at all
	events		notifications that follow: the params of each
	close		the connection ends after it
	exit		this process ends after it
Every request is a line of LOG.
"""

import contextlib
import json
import os
import socket
import sys
import threading


class Script:
    def __init__(self, path, log):
        with open(path, encoding="utf-8") as f:
            self.answers = json.load(f)
        self.asked = {}
        self.log = log
        self.lock = threading.Lock()

    def answer(self, request):
        method = request["method"]
        with self.lock:
            with open(self.log, "a", encoding="utf-8") as f:
                f.write(json.dumps(request) + "\n")
            count = self.asked[method] = self.asked.get(method, 0) + 1
        known = self.answers.get(method, {"error": {"code": -32601, "message": "unknown method '%s'" % method}})
        return known[min(count, len(known)) - 1] if isinstance(known, list) else known


def filled(value):
    if value == "@pid":
        return os.getpid()
    if isinstance(value, dict):
        return {key: filled(member) for key, member in value.items()}
    if isinstance(value, list):
        return [filled(member) for member in value]
    return value


def line_of(letter):
    return (json.dumps({"jsonrpc": "2.0", **letter}, ensure_ascii=False) + "\n").encode()


def serve(connection, script):
    for line in connection.makefile(encoding="utf-8"):
        request = json.loads(line)
        answer = script.answer(request)
        said = b""
        if not answer.get("silent"):
            letter = {key: filled(answer[key]) for key in ("result", "error") if key in answer}
            said += line_of({"id": request["id"], **letter})
        for event in answer.get("events", []):
            said += line_of({"method": "event", "params": event})
        # At once: what follows an answer is often read together with it.
        connection.sendall(said)
        if answer.get("exit"):
            # As a real one does.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(sys.argv[1])
            os._exit(0)
        if answer.get("close"):
            break
    connection.close()


def main():
    path, script, log = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX)
    # Under another name until it listens, so that a client that sees it is served.
    listener.bind(path + ".new")
    listener.listen()
    os.rename(path + ".new", path)
    script = Script(script, log)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, script), daemon=True).start()


main()
