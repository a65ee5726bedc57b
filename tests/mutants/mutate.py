"""
Small mistakes that somebody could make in a C file: each place where one fits, and the text with it.

The code is read as tokens, so that comments, strings and preprocessor lines are left alone.  What only logs, frees or asserts is left alone
too: no promise depends on it, and the sanitizers look for it in other ways.
"""
import re
from dataclasses import dataclass

TOKEN = re.compile(r'''
    (?P<comment>/\*.*?\*/|//[^\n]*)
  | (?P<directive>^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*)
  | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
  | (?P<number>\b(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*\b)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<mark>->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)
''', re.VERBOSE | re.DOTALL | re.MULTILINE)

SWAPS = {'<': '<=', '<=': '<', '>': '>=', '>=': '>', '==': '!=', '!=': '==', '&&': '||', '||': '&&'}
WORDS = {'true': 'false', 'false': 'true'}
KINDS = {'<': 'bound', '<=': 'bound', '>': 'bound', '>=': 'bound', '==': 'condition', '!=': 'condition', '&&': 'condition',
         '||': 'condition'}

# What only talks, frees or asserts.
QUIET = re.compile(r'^(log_\w+|\w+_release|\w+_free|release|mem_free|free|fd_close|ASSERT|static_assert|va_\w+|vec_free|buf_free)\b')
STATEMENT = re.compile(r'^(?:\(void\)\s*)?[A-Za-z_*(][^;{}]*;$', re.DOTALL)
DECLARATION = re.compile(
    r'^(?:const|static|struct|enum|union|unsigned|int|int64_t|uint64_t|uint32_t|uint8_t|size_t|ssize_t|bool|char|double|void|pid_t|'
    r'time_t|uid_t|gid_t|extern|typedef)\b(?!\))')
JUMPS = re.compile(r'^(?:return|break|continue|goto|case|default|else|do|if|for|while|switch)\b')


@dataclass(frozen=True)
class Mutant:
    path: str
    start: int
    end: int
    text: str
    kind: str
    line: int
    before: str  # the line as it stands
    after: str   # and with the mistake

    def apply(self, source):
        return source[:self.start] + self.text + source[self.end:]


def tokens(source):
    for match in TOKEN.finditer(source):
        kind = match.lastgroup
        if kind in ('comment', 'directive') or match.group().isspace():
            continue
        yield kind, match.group(), match.start(), match.end()


def line_of(source, start):
    begin = source.rfind('\n', 0, start) + 1
    end = source.find('\n', start)
    return source.count('\n', 0, start) + 1, begin, len(source) if end < 0 else end


def closing(stream, index):
    """The index of the parenthesis that closes the one at index."""
    depth = 0
    for k in range(index, len(stream)):
        depth += {'(': 1, ')': -1}.get(stream[k][1], 0)
        if not depth:
            return k
    return len(stream) - 1


class Finder:
    def __init__(self, path, source):
        self.path, self.source = path, source
        self.stream = list(tokens(source))
        self.found = []

    def add(self, start, end, text, kind):
        line, begin, over = line_of(self.source, start)
        after = self.source[begin:start] + text + self.source[end:max(over, end)]
        before = self.source[begin:max(over, end)]
        self.found.append(Mutant(self.path, start, end, text, kind, line, ' '.join(before.split()), ' '.join(after.split())))

    def quiet_ranges(self):
        """From the name to the semicolon of each call that only talks or frees."""
        ranges = []
        for k, (kind, text, start, _) in enumerate(self.stream[:-1]):
            if kind == 'word' and QUIET.match(text) and self.stream[k + 1][1] == '(':
                ranges.append((start, self.stream[closing(self.stream, k + 1)][3]))
        return ranges

    def bodies(self):
        """Index ranges of the tokens inside functions: a brace at column 0 opens one, one at column 0 closes it."""
        begin = None
        for k, (_, text, start, _) in enumerate(self.stream):
            at_margin = start == 0 or self.source[start - 1] == '\n'
            if text == '{' and at_margin:
                begin = k
            elif text == '}' and at_margin and begin is not None:
                yield begin + 1, k
                begin = None

    def token_mutants(self, first, last):
        for k in range(first, last):
            kind, text, start, end = self.stream[k]
            if kind == 'mark' and text in SWAPS:
                self.add(start, end, SWAPS[text], KINDS[text])
            elif kind == 'word' and text in WORDS:
                self.add(start, end, WORDS[text], 'constant')
            elif kind == 'number' and self.stream[k - 1][1] not in ('[', 'case'):
                self.add(start, end, '1' if text == '0' else f'({text} + 1)', 'constant')
            elif kind == 'word' and text == 'if' and self.stream[k + 1][1] == '(':
                close = closing(self.stream, k + 1)
                inside = self.source[self.stream[k + 1][3]:self.stream[close][2]]
                self.add(self.stream[k + 1][3], self.stream[close][2], f'!({inside})', 'condition')

    def statement_mutants(self, first, last):
        begin = first
        depth = 0
        for k in range(first, last):
            text = self.stream[k][1]
            depth += {'(': 1, ')': -1}.get(text, 0)
            if text in ('{', '}') or (text == ':' and not depth):
                begin = k + 1
            elif text == ')' and not depth and self.stream[begin][1] in ('if', 'for', 'while', 'switch', 'VEC_EACH'):
                begin = k + 1
            elif text == 'else':
                begin = k + 1
            elif text == ';' and not depth:
                self.drop(begin, k)
                begin = k + 1

    def drop(self, begin, end):
        if begin >= end:
            return
        start, over = self.stream[begin][2], self.stream[end][3]
        text = self.source[start:over]
        if DECLARATION.match(text) or JUMPS.match(text) or QUIET.match(text.replace('(void)', '')) or not STATEMENT.match(text):
            return
        self.add(start, over, ';', 'dropped')

    def mutants(self):
        for first, last in self.bodies():
            self.token_mutants(first, last)
            self.statement_mutants(first, last)
        quiet = self.quiet_ranges()
        return [m for m in self.found if not any(a <= m.start < b for a, b in quiet)]


def mutants_of(path, source):
    return Finder(path, source).mutants()
