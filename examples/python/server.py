"""A web server of the standard library: GET / says who answers, /health says that it can, SIGTERM finishes what has begun."""
import http.server
import os
import signal
import sys
import threading

NAME = '%s:%s' % (os.environ.get('OXHERD_APP', 'web'), os.environ.get('OXHERD_INSTANCE', '0'))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        known = {'/': '%s from %s\n' % (os.environ.get('GREETING', 'hello'), NAME), '/health': 'ok\n'}
        body = known.get(self.path, 'there is nothing here\n').encode()
        self.send_response(200 if self.path in known else 404)
        self.send_header('Content-Type', 'text/plain')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """The front of the herd keeps an access log."""


def main():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler)
    # Not from the handler itself: shutdown() waits for the loop that the handler has interrupted.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print('%s listens on port %s' % (NAME, os.environ['PORT']), flush=True)
    server.serve_forever()
    print('goodbye', flush=True)
    sys.exit(0)


main()
