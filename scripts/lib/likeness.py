"""likeness - how much one body of code resembles another: the measure of scripts/check-own.

A function of Go is compared by the tokens between its braces, in two spellings:

    pattern   an identifier is the distance to its last use: equal for texts that differ by a
              renaming only, and much rarer by chance than if every name were one symbol
    letter    identifiers as they stand

In both spellings every literal is one symbol: programs compare messages, so their text is dictated.

Each token is one character of a string, so that a run of equal tokens is a common substring.
Runs shorter than RUN are not counted, since any two functions of Go share such runs.
"""
import difflib
import os
import re
from collections import Counter, defaultdict

TOKEN = re.compile(r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<text>`[^`]*`|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+')
  | (?P<number>\.?[0-9](?:[eEpP][+-]|[\w.])*)
  | (?P<name>[^\W\d]\w*)
  | (?P<sign><<=|>>=|&\^=|\.\.\.|&&|\|\||<-|\+\+|--|==|!=|<=|>=|:=|[-+*/%&|^]=|<<|>>|&\^
            |[-+*/%&|^<>=!()\[\]{},;.:~])""", re.X | re.S)
KEYWORDS = set("""break default func interface select case defer go map struct chan else goto
    package switch const fallthrough if range type continue for import return var""".split())
BUILTINS = set("""nil true false len cap append make new copy panic recover uintptr int int32 int64
    uint32 uint64 uint8 byte string bool error any min max delete print println unsafe
    Pointer""".split())
FAR = 12                    # a name used longer ago than so many names is as good as new
RUN = 4


class Alphabet:
    """One character for each different token."""

    def __init__(self):
        self.known = {}

    def __call__(self, token):
        c = self.known.get(token)
        if c is None:
            n = len(self.known) + 1
            c = self.known[token] = chr(n if n < 0xd800 else n + 0x800)
        return c


LETTERS = Alphabet()


def tokens(source):
    """(kind, text) of each token but comments."""
    return [(m.lastgroup, m.group()) for m in TOKEN.finditer(source) if m.lastgroup != "comment"]


class Function:
    def __init__(self, where, name, body):
        self.where, self.name, self.size = where, name, len(body)
        pattern, letter, last, names = [], [], {}, 0
        for kind, text in body:
            if kind != "name" or text in KEYWORDS:
                symbol = kind if kind in ("text", "number") else text
                pattern.append(symbol)
                letter.append(symbol)
                continue
            letter.append("." + text)
            if text in BUILTINS:
                pattern.append("." + text)
                continue
            ago = names - last[text] if text in last else 0
            last[text], names = names, names + 1
            pattern.append(f"name{ago}" if ago < FAR else "name0")
        self.pattern, self.letter = ("".join(map(LETTERS, spelling))
                                     for spelling in (pattern, letter))


def body_of(toks):
    """The tokens between the braces of a function."""
    depth = 0
    for i, (_, text) in enumerate(toks):
        if text in "([":
            depth += 1
        elif text in ")]":
            depth -= 1
        elif text == "{" and depth == 0 and toks[i - 1][1] not in ("interface", "struct"):
            return toks[i + 1:-1]
    return []


FUNC_NAME = re.compile(r"func (?:\([^)]*\) )?(\w+)")


def functions(source, where):
    """The functions that a file in gofmt's form defines: from `func` to `}`, both at the left."""
    lines = source.split("\n")
    found, i = [], 0
    while i < len(lines):
        first = i
        i += 1
        line = lines[first].rstrip()
        if not line.startswith("func ") or not line.endswith(("{", "(", "}", ",")):
            continue
        while not line.endswith("}") and i < len(lines):
            line = lines[i].rstrip()
            i += 1
            if line.startswith("}"):
                break
            line = ""
        body = body_of(tokens("\n".join(lines[first:i])))
        if body:
            name = FUNC_NAME.match(lines[first])
            found.append(Function(f"{where}:{first + 1}", name[1] if name else "?", body))
    return found


def common(a, b, run=RUN):
    """How many tokens of a are also in b, in the same order and in runs."""
    blocks = difflib.SequenceMatcher(None, a, b, False).get_matching_blocks()
    return sum(block.size for block in blocks if block.size >= run)


def covered(own, other):
    """The part of own that other has, too: (by pattern, by letter)."""
    return (common(own.pattern, other.pattern) / own.size,
            common(own.letter, other.letter, RUN - 1) / own.size)


GRAM = 6


def grams(text):
    return {text[i:i + GRAM] for i in range(len(text) - GRAM + 1)}


def nearest(own, others, tries=6):
    """For each function of own the one of others whose pattern is most like its own:
    [(twice the common tokens / the tokens of both, that function)]."""
    index = defaultdict(list)
    for i, f in enumerate(own):
        for g in grams(f.pattern):
            index[g].append(i)
    candidates = [[] for _ in own]
    for k, other in enumerate(others):
        shared = Counter(i for g in grams(other.pattern) for i in index.get(g, ()))
        for i, n in shared.items():
            candidates[i].append((n / (own[i].size + other.size), k))
    best = []
    for f, near in zip(own, candidates):
        scores = [(2 * common(f.pattern, others[k].pattern) / (f.size + others[k].size), k)
                  for _, k in sorted(near)[-tries:]]
        score, k = max(scores, default=(0.0, None))
        best.append((score, None if k is None else others[k]))
    return best


# ---- comments ---------------------------------------------------------------------------

COMMENT = re.compile(r"//([^\n]*)|/\*(.*?)\*/", re.S)
WORD = re.compile(r"[a-z0-9_']+")


def words(source):
    """[(word, position)] of a file's comments; directives and signatures left out."""
    out = []
    for m in COMMENT.finditer(source):
        text = m[2] if m[1] is None else m[1]
        if not text.lstrip().startswith(("go:", "func ")):
            out += [(w, m.start()) for w in WORD.findall(text.lower())]
    return out


# ---- assembly ---------------------------------------------------------------------------

LABEL = re.compile(r"^\w+:$")
SYMBOL = re.compile(r"[\w·∕./]*[·][\w·<>∕./]*(?=[+(])|[\w·∕]+(?=<>|\(SB\))")
ADDRESS_WORD = re.compile(r"DATA SYM\S*,\$SYM\S*$")


def instructions(source):
    """[(line number, instruction)] of Go assembly: without comments, directives of the
    preprocessor, labels, the ends of macro lines and words of data that are addresses (any two
    tables of them are alike); a symbol is only SYM, a jump's label L."""
    source = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), source, flags=re.S)
    out = []
    for number, line in enumerate(source.split("\n"), 1):
        for part in re.sub(r"//.*", "", line).rstrip("\\ \t").split(";"):
            part = " ".join(part.split()).replace(", ", ",")
            if not part or part.startswith("#") or LABEL.match(part):
                continue
            part = SYMBOL.sub("SYM", part)
            if ADDRESS_WORD.match(part):
                continue
            if re.match(r"J\w+ \w+$", part):
                part = part.split()[0] + " L"
            out.append((number, part))
    return out


def files(top, suffix):
    """Files below top, tests and their data left out."""
    for directory, below, names in os.walk(top):
        below[:] = sorted(d for d in below if d != "testdata")
        for name in sorted(names):
            if name.endswith(suffix) and not name.endswith("_test" + suffix):
                yield os.path.join(directory, name)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()
