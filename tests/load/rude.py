"""
A web server that misbehaves on purpose, and remembers how often:  rude.py PORT COUNTS

The path says how it answers; /mixed takes them all in turn.  On SIGTERM what was done is written to the file COUNTS, a line "WORD N" each.
"""
import collections
import itertools
import signal
import socket
import struct
import sys
import threading

HEAD = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n'
ANSWERS = {
    'ok': HEAD % 5 + b'hello',
    'chunked': b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nA: b\r\n\r\n',
    'continued': b'HTTP/1.1 100 Continue\r\n\r\n' + HEAD % 5 + b'hello',
    'open-end': b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello',
    'wrong': HEAD % 4 + b'help',
    'status': b'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n',
    'short': HEAD % 500 + b'hello',
    'short-chunk': b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n30\r\nhello',
    'broken': b'HELLO\r\n\r\n',
    'too-much': HEAD % 2 + b'hello',
    'empty': b'',
    'reset': None,
    'timed_out': None,
}
CLOSING = ('open-end', 'short', 'short-chunk', 'empty')
counts = collections.Counter()
lock = threading.Lock()
turns = itertools.cycle(sorted(ANSWERS))


def read_request(connection):
    """The path of the next request, its body read; None at the end."""
    head = b''
    while not head.endswith(b'\r\n\r\n'):
        byte = connection.recv(1)
        if not byte:
            return None
        head += byte
    for line in head.lower().split(b'\r\n'):
        if line.startswith(b'content-length:'):
            left = int(line.split(b':')[1])
            while left:
                left -= len(connection.recv(left))
    return head.split(b' ')[1].decode()[1:]


def answer(connection, word):
    """False when the connection is to be closed."""
    if word == 'mixed':
        with lock:
            word = next(turns)
    with lock:
        counts[word] += 1
    if word == 'reset':
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        return False
    if word == 'timed_out':
        connection.recv(1)
        return False
    connection.sendall(ANSWERS[word])
    return word not in CLOSING


def serve(connection):
    """In the folders once/ and twice/ a connection is closed unannounced: after an answer, or upon the next request."""
    with connection:
        for place in itertools.count():
            path = read_request(connection)
            if path is None:
                return
            folder, _, word = path.rpartition('/')
            if folder == 'twice' and place:
                with lock:
                    counts['dropped'] += 1
                return
            if not answer(connection, word) or folder == 'once':
                return


def end(*_):
    with open(sys.argv[2], 'w', encoding='utf-8') as file:
        for word, count in sorted(counts.items()):
            file.write('%s %d\n' % (word, count))
    sys.exit(0)


def main():
    signal.signal(signal.SIGTERM, end)
    listener = socket.create_server(('127.0.0.1', int(sys.argv[1])), backlog=256)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


main()
