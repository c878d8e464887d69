import { QError } from '../errors.ts';

/** Matches everywhere, if only nothing. */
const BLANKS = /(?:\s+|\/\/[^\n]*)*/y;

/** Nesting that no real file comes near; keeps hostile input from exhausting the stack. */
const DEEPEST = 200;

/** Walks over `.mlir` text. Blanks and `//` comments are skipped before every token. */
export class Scanner {
  private position = 0;
  private depth = 0;
  private lineStarts: number[] | undefined;

  constructor(
    readonly text: string,
    private readonly where: string,
  ) {}

  /** Offset of the next token. */
  get at(): number {
    this.skipBlanks();
    return this.position;
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** `line:column` of an offset, both counted from 1. */
  place(offset: number): string {
    this.lineStarts ??= [0, ...[...this.text.matchAll(/\n/g)].map(({ index }) => index + 1)];
    let [low, high] = [0, this.lineStarts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.lineStarts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return `${this.where}:${low + 1}:${offset - this.lineStarts[low]! + 1}`;
  }

  /** The source from `start` to the end of the last token. */
  sourceFrom(start: number): string {
    return this.text.slice(start, this.position);
  }

  /** Whether the next token is `literal` (punctuation). */
  sees(literal: string): boolean {
    return this.text.startsWith(literal, this.at);
  }

  take(literal: string): boolean {
    const found = this.sees(literal);
    if (found) this.position += literal.length;
    return found;
  }

  expect(literal: string): void {
    if (!this.take(literal)) this.fail(`'${literal}'`);
  }

  /** Whether the next token is exactly this word, not the beginning of a longer one. */
  seesWord(word: string): boolean {
    return this.sees(word) && !/[\w$.]/.test(this.text[this.position + word.length] ?? '');
  }

  takeWord(word: string): boolean {
    const found = this.seesWord(word);
    if (found) this.position += word.length;
    return found;
  }

  /** Takes what a sticky pattern matches here. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    this.position = pattern.lastIndex;
    return found;
  }

  expectMatch(pattern: RegExp, expected: string): string {
    return this.match(pattern)?.[0] ?? this.fail(expected);
  }

  /** `"…"` with escapes `\" \\ \n \t \hh`; the hex pairs are UTF-8 bytes. */
  takeString(): string | undefined {
    const found = this.match(/"(?:[^"\\\n]|\\[^\n])*"/y);
    if (found === undefined) return undefined;
    const raw = found[0].slice(1, -1);
    return raw.includes('\\') ? decodeEscapes(raw) : raw;
  }

  /** Items between `open` and `close`, separated by commas. */
  list<T>(open: string, close: string, item: () => T): T[] {
    this.expect(open);
    const items: T[] = [];
    if (this.take(close)) return items;
    this.nested(() => {
      do items.push(item());
      while (this.take(','));
    });
    this.expect(close);
    return items;
  }

  nested<T>(body: () => T): T {
    if (++this.depth > DEEPEST) this.fail(`at most ${DEEPEST} levels of nesting`);
    const result = body();
    this.depth--;
    return result;
  }

  /** Takes `<…>` with nested brackets, strings and arrows inside. */
  takeAngled(): boolean {
    if (!this.sees('<')) return false;
    let level = 0;
    do {
      const token = this.match(/<|->|>|"(?:[^"\\\n]|\\[^\n])*"|[^<>"\-\s]+|-/y);
      if (token === undefined) this.fail("'>'");
      if (token[0] === '<') level++;
      if (token[0] === '>') level--;
    } while (level > 0);
    return true;
  }

  fail(expected: string, at = this.at): never {
    const found = this.text.slice(at, at + 40).split('\n')[0]!;
    const where = this.place(at);
    throw new QError(`${where}: ${expected} was expected.`, {
      code: 'mlir.syntax',
      where,
      found: found === '' ? 'the end of the text' : found,
      expected,
    });
  }

  private skipBlanks(): void {
    BLANKS.lastIndex = this.position;
    BLANKS.exec(this.text);
    this.position = BLANKS.lastIndex;
  }
}

function decodeEscapes(raw: string): string {
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (const [part] of raw.matchAll(/\\[0-9A-Fa-f]{2}|\\.|[^\\]+/gs)) {
    if (part.length === 3 && part.startsWith('\\')) bytes.push(Number.parseInt(part.slice(1), 16));
    else if (part === '\\n') bytes.push(10);
    else if (part === '\\t') bytes.push(9);
    else bytes.push(...encoder.encode(part.startsWith('\\') ? part.slice(1) : part));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
