"""Something beside the web server: asks it, once a second, how it is."""
import os
import signal
import threading
import urllib.request

done = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: done.set())
while not done.is_set():
    with urllib.request.urlopen('http://127.0.0.1:%s/health' % os.environ['WEB_PORT'], timeout=5) as answer:
        print('web is', answer.read().decode().strip(), flush=True)
    done.wait(1)
