import { QError } from '../errors.ts';

/** A value without braces: a quoted string, or a number, boolean or enumerator as it is written. */
export interface TextScalar {
  readonly kind: 'string' | 'token';
  readonly text: string;
  readonly place: string;
}

/**
 * A message of protobuf's text format, without a schema: every field is kept, in the order and as often as it is written,
 * whatever its name.
 */
export interface TextMessage {
  readonly kind: 'message';
  readonly fields: ReadonlyMap<string, readonly (TextMessage | TextScalar)[]>;
  readonly place: string;
}

/** No message of a real prototxt is nested deeper than six levels. */
const DEEPEST = 64;
const BLANKS = /(?:\s+|#[^\n]*)*/y;
const NAME = /[A-Za-z_][\w.-]*|\[[\w./-]+\]/y;
const TOKEN = /[-+]?[\w.](?:[\w.]|(?<=[eE])[-+])*/y;
const STRING = /"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'/y;

/** Reads a `.prototxt`. @throws QError `caffe.syntax` with line and column of the first error */
export function parseTextFormat(text: string, where: string): TextMessage {
  return new Reader(text, where).file();
}

class Reader {
  private at = 0;
  private depth = 0;
  private line = 1;
  private lineStart = 0;
  private lineEnd: number;

  constructor(
    private readonly text: string,
    private readonly where: string,
  ) {
    this.lineEnd = this.endOfLine(0);
  }

  file(): TextMessage {
    const message = this.message(undefined);
    if (this.at < this.text.length) this.fail('a field');
    return message;
  }

  private message(close: string | undefined): TextMessage {
    const place = this.place();
    if (++this.depth > DEEPEST) this.fail(`at most ${DEEPEST} levels of nesting`);
    const fields = new Map<string, (TextMessage | TextScalar)[]>();
    for (;;) {
      this.skipBlanks();
      if (close === undefined ? this.at >= this.text.length : this.take(close)) break;
      const name = this.match(NAME) ?? this.fail(close === undefined ? 'a field' : `a field or '${close}'`);
      const values = fields.get(name) ?? [];
      fields.set(name, values);
      values.push(...this.fieldValue());
      if (!this.take(',')) this.take(';');
    }
    this.depth--;
    return { kind: 'message', fields, place };
  }

  private fieldValue(): (TextMessage | TextScalar)[] {
    const colon = this.take(':');
    if (this.take('{')) return [this.message('}')];
    if (this.take('<')) return [this.message('>')];
    if (!colon) this.fail("':' or '{'");
    if (!this.take('[')) return [this.scalar()];
    const items: (TextMessage | TextScalar)[] = [];
    if (this.take(']')) return items;
    do items.push(this.take('{') ? this.message('}') : this.scalar());
    while (this.take(','));
    if (!this.take(']')) this.fail("',' or ']'");
    return items;
  }

  private scalar(): TextScalar {
    this.skipBlanks();
    const place = this.place();
    let string = this.match(STRING);
    if (string === undefined) {
      const token = this.match(TOKEN) ?? this.fail('a value');
      return { kind: 'token', text: token, place };
    }
    // Neighbouring strings are one, as in C.
    let text = '';
    for (; string !== undefined; string = this.match(STRING)) text += decodeEscapes(string.slice(1, -1));
    return { kind: 'string', text, place };
  }

  private take(character: string): boolean {
    this.skipBlanks();
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private match(pattern: RegExp): string | undefined {
    this.skipBlanks();
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private skipBlanks(): void {
    BLANKS.lastIndex = this.at;
    BLANKS.exec(this.text);
    this.at = BLANKS.lastIndex;
  }

  /** File, line and column of where the reader is; places only ever move forward. */
  private place(): string {
    while (this.lineEnd < this.at) {
      this.line++;
      this.lineStart = this.lineEnd + 1;
      this.lineEnd = this.endOfLine(this.lineStart);
    }
    return `${this.where}:${this.line}:${this.at - this.lineStart + 1}`;
  }

  private endOfLine(from: number): number {
    const end = this.text.indexOf('\n', from);
    return end < 0 ? this.text.length : end;
  }

  private fail(expected: string): never {
    const where = this.place();
    const found = this.text.slice(this.at, this.at + 40).split('\n')[0]!;
    throw new QError(`${where}: ${expected} was expected.`, {
      code: 'caffe.syntax',
      where,
      found: found === '' ? 'the end of the line' : found,
      expected,
    });
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function decodeEscapes(raw: string): string {
  return raw.replace(/\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|([\s\S]))/g, (_, hex, octal, plain: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 255);
    return ESCAPES[plain] ?? plain;
  });
}
