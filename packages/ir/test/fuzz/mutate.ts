import type { Format } from './formats.ts';

/** A small generator with a period of 2^32, so that a failure is found again from its number (mulberry32). */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** A whole number below `end`. */
  below(end: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let word = this.state;
    word = Math.imul(word ^ (word >>> 15), word | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return Math.floor((((word ^ (word >>> 14)) >>> 0) / 2 ** 32) * end);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const SPECIAL_BYTES = [0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x22, 0x30, 0x39, 0x7b];
/** A varint of ten bytes, the length 2^31 − 1, and little-endian 0xffffffff and 0x7fffffff. */
const SPECIAL_RUNS = [
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0x7f],
  [0, 0, 0, 0, 0, 0, 0, 0],
];
/** Numbers that shapes, counts and axes must survive. */
export const SPECIAL_NUMBERS = [
  '0',
  '-1',
  '1',
  '2147483647',
  '4294967296',
  '9007199254740993',
  '1e300',
  '-7',
  '0.5',
  'nan',
];

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function spliced(bytes: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array {
  return joined(bytes.subarray(0, at), added, bytes.subarray(Math.min(bytes.length, at + removed)));
}

const mutations: readonly Mutation[] = [
  function flipBits(bytes, random) {
    const copy = bytes.slice();
    for (let left = 1 + random.below(4); left > 0; left--) {
      const at = random.below(copy.length);
      copy[at] = copy[at]! ^ (1 << random.below(8));
    }
    return copy;
  },
  function setBytes(bytes, random) {
    const copy = bytes.slice();
    for (let left = 1 + random.below(3); left > 0; left--) copy[random.below(copy.length)] = random.pick(SPECIAL_BYTES);
    return copy;
  },
  function overwriteRun(bytes, random) {
    const run = Uint8Array.from(random.pick(SPECIAL_RUNS));
    return spliced(bytes, random.below(bytes.length), run.length, run);
  },
  function cutOff(bytes, random) {
    return bytes.slice(0, random.below(bytes.length));
  },
  function removeRun(bytes, random) {
    return spliced(bytes, random.below(bytes.length), 1 + random.below(64), new Uint8Array());
  },
  function repeatRun(bytes, random) {
    const at = random.below(bytes.length);
    const run = bytes.slice(at, at + 1 + random.below(256));
    return spliced(bytes, at, 0, joined(...Array.from({ length: 1 + random.below(4) }, () => run)));
  },
  function insertNoise(bytes, random) {
    const noise = Uint8Array.from({ length: 1 + random.below(16) }, () => random.below(256));
    return spliced(bytes, random.below(bytes.length), 0, noise);
  },
  function crossOver(bytes, random, other) {
    return joined(bytes.subarray(0, random.below(bytes.length)), other.subarray(random.below(other.length)));
  },
];

function replaceToken(text: string, pattern: RegExp, random: Random, replacement: (token: string) => string): string {
  const tokens = [...text.matchAll(pattern)];
  if (tokens.length === 0) return text;
  const { index, 0: token } = random.pick(tokens);
  return text.slice(0, index) + replacement(token) + text.slice(index + token.length);
}

type TextMutation = (text: string, random: Random) => string;

const textMutations: readonly TextMutation[] = [
  (text, random) => replaceToken(text, /-?\d+(?:\.\d+)?(?:e[-+]?\d+)?/gi, random, () => random.pick(SPECIAL_NUMBERS)),
  (text, random) => {
    const words = text.match(/[A-Za-z_][\w.]*/g) ?? ['x'];
    return replaceToken(text, /[A-Za-z_][\w.]*/g, random, () => random.pick(words));
  },
  (text, random) =>
    replaceToken(text, /[{}()[\]<>:,="#%@]/g, random, (token) => random.pick(['', token + token, '{', '"'])),
  (text, random) => {
    const lines = text.split('\n');
    const [from, to] = [random.below(lines.length), random.below(lines.length)];
    [lines[from], lines[to]] = [lines[to]!, lines[from]!];
    return lines.join('\n');
  },
  (text, random) => {
    const lines = text.split('\n');
    lines.splice(random.below(lines.length), 1 + random.below(2));
    return lines.join('\n');
  },
  (text, random) => replaceToken(text, /[{[(<]/g, random, (token) => token.repeat(1 + random.below(3000))),
];

/** File `index` of a deterministic sequence of damaged files; one to three mutations each. */
export function mutant(
  { seeds, isText, rewrite }: Pick<Format, 'seeds' | 'isText' | 'rewrite'>,
  index: number,
): Uint8Array {
  const random = new Random(index * 2654435761);
  if (rewrite !== undefined) return rewrite(random.pick(seeds), random);
  let bytes = random.pick(seeds);
  for (let left = 1 + random.below(3); left > 0; left--) {
    if (bytes.length === 0) return bytes;
    if (isText && random.below(3) > 0) {
      const text = new TextDecoder().decode(bytes);
      bytes = new TextEncoder().encode(random.pick(textMutations)(text, random));
    } else bytes = random.pick(mutations)(bytes, random, random.pick(seeds));
  }
  return bytes;
}
