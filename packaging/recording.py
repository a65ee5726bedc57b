"""Records the README's quick start in a terminal of 80 columns, and draws it as an animated SVG.

    recording.py BUILD README.md OUTPUT.svg

BUILD holds oxctl, oxherd and oxherd-brain.  The commands are those of the first block below "## Quick start"; what they print is what
they really print, in a folder and with a daemon of their own.  Only the pauses are shortened.  Ports 3000 to 3003 have to be free.
"""
import html
import os
import pty
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from fcntl import ioctl

COLUMNS, ROWS = 80, 24
CELL_WIDTH, CELL_HEIGHT, BASELINE, MARGIN = 8.4, 18, 14, 14
PROMPT = '\033[32m$\033[0m '
KEY_SECONDS = 0.04      # a key
FRAME_SECONDS = 0.4     # at most so many pictures while a program prints
PAUSE_MOST = 0.5        # a longer pause is shown as this long
READ_SECONDS = 1.5      # after each command, for the reader
END_SECONDS = 4
COMMAND_SECONDS = 120   # a command that takes longer has failed

COLOURS = {31: '#f47067', 32: '#57ab5a', 33: '#daaa3f', 34: '#6cb6ff', 35: '#dcbdfb', 36: '#76e3ea'}


class Screen:
    """What a terminal makes of the few sequences that oxctl writes: colours, the cursor up and home, erasing to the right and below."""

    SEQUENCE = re.compile(r'\033\[([0-9;?]*)([A-Za-z])')

    def __init__(self):
        self.rows = [self.empty() for _ in range(ROWS)]
        self.row = self.column = 0
        self.style = ''

    @staticmethod
    def empty():
        return [(' ', '')] * COLUMNS

    def feed(self, text):
        at = 0
        while at < len(text):
            sequence = self.SEQUENCE.match(text, at)
            if sequence:
                self.obey(sequence[2], [int(n or 0) for n in sequence[1].strip('?').split(';')])
                at = sequence.end()
            else:
                self.put(text[at])
                at += 1

    def put(self, letter):
        if letter == '\r':
            self.column = 0
        elif letter == '\n':
            self.next_row()
        elif letter >= ' ':
            if self.column == COLUMNS:
                self.column = 0
                self.next_row()
            self.rows[self.row][self.column] = (letter, self.style)
            self.column += 1

    def next_row(self):
        if self.row < ROWS - 1:
            self.row += 1
        else:
            self.rows = self.rows[1:] + [self.empty()]

    def obey(self, letter, numbers):
        if letter == 'm':
            self.colour(numbers)
        elif letter == 'A':
            self.row = max(0, self.row - max(1, numbers[0]))
        elif letter == 'H':
            self.row = self.column = 0
        elif letter in 'KJ':
            self.rows[self.row][self.column:] = self.empty()[self.column:]
            for row in range(self.row + 1, ROWS if letter == 'J' else 0):
                self.rows[row] = self.empty()

    def colour(self, numbers):
        for number in numbers:
            if number == 0:
                self.style = ''
            elif number in COLOURS:
                self.style = 'c%d' % number
            elif number in (1, 2):
                self.style = 'bold' if number == 1 else 'dim'

    def picture(self):
        return tuple(tuple(row) for row in self.rows)


class Film:
    """Pictures, each with how long it stays."""

    def __init__(self):
        self.frames = []

    def add(self, picture, seconds):
        if self.frames and self.frames[-1][0] == picture:
            self.frames[-1][1] += seconds
        else:
            self.frames.append([picture, seconds])


def quick_start(readme):
    """The lines that prepare the folder, and the commands that are shown."""
    text = open(readme, encoding='utf-8').read()
    block = re.search(r'^## Quick start$.*?^```sh\n(.*?)^```$', text, re.M | re.S)[1].splitlines()
    first = next(n for n, line in enumerate(block) if line.startswith('oxctl '))
    return block[:first], [re.sub(r'\s+# .*', '', line) for line in block[first:]]


def run(command, folder, env, screen, film):
    """Runs it in a pseudo terminal; the film gets what the screen shows meanwhile."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe('sh', ['sh', '-c', command], env)
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', ROWS, COLUMNS, 0, 0))
    begun = shown = time.monotonic()
    rest = b''
    while time.monotonic() - begun < COMMAND_SECONDS:
        if select.select([terminal], [], [], FRAME_SECONDS)[0]:
            try:
                rest += os.read(terminal, 65536)
            except OSError:
                break
            whole = rest.decode('utf-8', 'ignore')
            rest = rest[len(whole.encode()):]
            screen.feed(whole)
        if time.monotonic() - shown >= FRAME_SECONDS:
            film.add(screen.picture(), min(time.monotonic() - shown, PAUSE_MOST))
            shown = time.monotonic()
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code != 0:
        sys.exit('recording: exit code %d of: %s' % (code, command))


def play(commands, folder, env):
    screen, film = Screen(), Film()
    for command in commands:
        screen.feed(PROMPT)
        film.add(screen.picture(), 0.3)
        for key in range(0, len(command), 3):
            screen.feed(command[key:key + 3])
            film.add(screen.picture(), KEY_SECONDS * 3)
        # As long as a person takes to type it.
        time.sleep(KEY_SECONDS * len(command))
        screen.feed('\r\n')
        run(command, folder, env, screen, film)
        film.add(screen.picture(), READ_SECONDS)
    film.add(screen.picture(), END_SECONDS)
    return film


def record(build, readme):
    top = tempfile.mkdtemp(prefix='oxherd-recording-')
    env = {'PATH': build + ':' + os.environ['PATH'], 'HOME': top, 'OXHERD_HOME': top + '/herd', 'TERM': 'xterm-256color',
           'LC_ALL': 'C.UTF-8', 'TZ': 'UTC'}
    prepare, commands = quick_start(readme)
    try:
        subprocess.run(['sh', '-ec', '\n'.join(prepare)], cwd=top, env=env, check=True)
        film = play(commands, top + '/hello', env)
    finally:
        subprocess.run(['oxctl', 'daemon', 'stop'], env=env, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(top, ignore_errors=True)
    private = [top, build, os.path.expanduser('~') + '/', socket.gethostname()]
    for picture, _ in film.frames:
        text = '\n'.join(''.join(letter for letter, _ in row) for row in picture)
        for word in private:
            if len(word) > 1 and re.search(r'(?<![\w.])%s(?![\w.])' % re.escape(word), text):
                sys.exit("recording: '%s' of this machine is in the picture" % word)
    return film


def line_of(row):
    """A row as text elements: one for each run of letters of one style, so that every font keeps the columns."""
    letters = ''.join(letter for letter, _ in row)
    styles = [style for _, style in row]
    out = []
    for words in re.finditer(r'\S+(?: \S+)*', letters):
        start = words.start()
        for end in range(start + 1, words.end() + 1):
            if end == words.end() or styles[end] != styles[start]:
                out.append(text_of(letters[start:end], start, styles[start]))
                start = end
    return ''.join(out)


def text_of(letters, column, style):
    shown = letters.strip()
    if not shown:
        return ''
    column += len(letters) - len(letters.lstrip())
    return '<text x="%.1f" textLength="%.1f"%s>%s</text>' % (
        column * CELL_WIDTH, len(shown) * CELL_WIDTH, ' class="%s"' % style if style else '', html.escape(shown, quote=False))


def draw(film):
    """One long strip of pictures that moves from one to the next; where nothing moves, the last one is seen."""
    width, height = COLUMNS * CELL_WIDTH + 2 * MARGIN, ROWS * CELL_HEIGHT + 2 * MARGIN
    total = sum(seconds for _, seconds in film.frames)
    names, keys, pictures, at = {}, [], [], 0.0
    for number, (picture, seconds) in enumerate(film.frames):
        keys.append('%.3f%%{transform:translateX(%.1fpx)}' % (100 * at / total, -number * width))
        at += seconds
        uses = ''
        for y, row in enumerate(picture):
            line = line_of(row)
            if line:
                name = names.setdefault(line, 'l%d' % len(names))
                uses += '<use href="#%s" y="%d"/>' % (name, y * CELL_HEIGHT + BASELINE)
        pictures.append('<g transform="translate(%.1f)">%s</g>' % (number * width, uses))
    last = -(len(film.frames) - 1) * width
    style = ['text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#adbac7}',
             '.bold{font-weight:bold}', '.dim{opacity:.6}',
             *('.c%d{fill:%s}' % colour for colour in COLOURS.items()),
             '#strip{animation:play %.1fs step-end infinite}' % total,
             '@keyframes play{%s}' % ''.join(keys),
             '@media (prefers-reduced-motion:reduce){#strip{animation:none}}']
    return '\n'.join([
        '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">' % ((width, height) * 2),
        '<title>oxctl starts four instances, one is killed and comes back, a deploy replaces them</title>',
        '<style>', *style, '</style>', '<defs>',
        *('<g id="%s">%s</g>' % (name, line) for line, name in names.items()), '</defs>',
        '<rect width="100%" height="100%" rx="8" fill="#22272e"/>',
        '<svg x="%d" y="%d" width="%d" height="%d">' % (MARGIN, MARGIN, width - 2 * MARGIN, height - 2 * MARGIN),
        '<g id="strip" transform="translate(%.1f)">' % last, *pictures, '</g>', '</svg>', '</svg>', ''])


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    build, readme, output = sys.argv[1:]
    film = record(os.path.abspath(build), readme)
    with open(output, 'w', encoding='utf-8') as out:
        out.write(draw(film))


main()
