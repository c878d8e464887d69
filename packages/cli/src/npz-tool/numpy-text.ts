import type { Tensor } from '@q/ir';

/** Arrays with more elements are printed by their edges only. */
const THRESHOLD = 1000;
const EDGE = 3;
const LINE_WIDTH = 75;
const PRECISION = 6;

/** A tensor as numpy prints it with `precision=6, suppress=True` (what `npz_tool dump` shows). */
export function numpyText({ shape, dtype, data }: Tensor): string {
  const summarised = data.length > THRESHOLD;
  const isFloat = dtype === 'f32' || dtype === 'f64';
  const shown = shownIndices(shape, summarised).map((at) => data[at]!);
  const format = isFloat ? floatFormat(shown.map(Number), dtype === 'f32') : paddedFormat(shown.map(String));
  const word = (at: number): string => format(isFloat ? Number(data[at]!) : String(data[at]!));
  if (shape.length === 0) return word(0).trim();
  if (data.length === 0) return '[]';
  return new ArrayLayout(shape, word, summarised).text();
}

/** Flat indices of the elements that are printed. */
function shownIndices(shape: readonly number[], summarised: boolean): number[] {
  let indices = [0];
  for (const dim of shape) {
    const positions = shownPositions(dim, summarised).filter((at) => at !== undefined);
    indices = indices.flatMap((base) => positions.map((at) => base * dim + at));
  }
  return indices;
}

/** Positions along one axis; `undefined` is where the dots go. */
function shownPositions(dim: number, summarised: boolean): (number | undefined)[] {
  const all = Array.from({ length: dim }, (_, at) => at);
  return summarised && dim > 2 * EDGE ? [...all.slice(0, EDGE), undefined, ...all.slice(-EDGE)] : all;
}

type Format = (value: number | string) => string;

function paddedFormat(words: readonly string[]): Format {
  const width = Math.max(...words.map((word) => word.length));
  return (value) => String(value).padStart(width);
}

/** Positional notation with the digits that tell a value apart, six decimals at most; exponents from 1e8 on. */
function floatFormat(values: readonly number[], isSingle: boolean): Format {
  const finite = values.filter((value) => Number.isFinite(value));
  const largest = Math.max(0, ...finite.map(Math.abs));
  const word = largest >= 1e8 ? exponentText : (value: number) => positionalText(value, isSingle);
  const parts = finite.map((value) => word(value).split('.'));
  const before = Math.max(0, ...parts.map(([integer]) => integer!.length));
  const after = Math.max(0, ...parts.map(([, fraction = '']) => fraction.length));
  const special = Math.max(0, ...values.filter((value) => !Number.isFinite(value)).map((v) => specialText(v).length));
  const width = Math.max(before + 1 + after, special);
  return (value) => {
    const number = Number(value);
    if (!Number.isFinite(number)) return specialText(number).padStart(width);
    const [integer, fraction = ''] = word(number).split('.');
    return `${integer!.padStart(before)}.${fraction.padEnd(after)}`.padStart(width);
  };
}

function specialText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  return value > 0 ? 'inf' : '-inf';
}

function positionalText(value: number, isSingle: boolean): string {
  const fixed = value.toFixed(PRECISION);
  for (let digits = 0; digits < PRECISION; digits++) {
    const candidate = value.toFixed(digits);
    const same = isSingle ? Math.fround(Number(candidate)) === Math.fround(value) : Number(candidate) === value;
    if (same) return trimmed(signed(candidate, value));
  }
  return trimmed(signed(fixed, value));
}

function exponentText(value: number): string {
  return signed(value.toExponential(PRECISION), value).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** Zeros behind the last digit go; the point stays. */
function trimmed(text: string): string {
  const dotted = text.includes('.') ? text : `${text}.`;
  return dotted.replace(/0+$/, '');
}

/** JavaScript drops the sign of -0. */
function signed(text: string, value: number): string {
  return Object.is(value, -0) && !text.startsWith('-') ? `-${text}` : text;
}

/** numpy's nesting of brackets, wrapping of lines and dots for what is left out. */
class ArrayLayout {
  readonly #shape: readonly number[];
  readonly #word: (at: number) => string;
  readonly #summarised: boolean;

  constructor(shape: readonly number[], word: (at: number) => string, summarised: boolean) {
    this.#shape = shape;
    this.#word = word;
    this.#summarised = summarised;
  }

  text(): string {
    return this.#axis(0, 0, ' ', LINE_WIDTH);
  }

  #axis(axis: number, base: number, indent: string, width: number): string {
    const dim = this.#shape[axis]!;
    const positions = shownPositions(dim, this.#summarised);
    const isLast = axis === this.#shape.length - 1;
    const body = isLast
      ? this.#row(
          positions.map((at) => (at === undefined ? '...' : this.#word(base * dim + at))),
          indent,
          width - 1,
        )
      : positions
          .map(
            (at) =>
              indent + (at === undefined ? '...' : this.#axis(axis + 1, base * dim + at, `${indent} `, width - 1)),
          )
          .join('\n'.repeat(this.#shape.length - axis - 1));
    return `[${body.slice(indent.length)}]`;
  }

  #row(words: readonly string[], indent: string, width: number): string {
    let done = '';
    let line = indent;
    words.forEach((word, at) => {
      if (line.length > indent.length && line.length + word.length > width) {
        done += `${line.trimEnd()}\n`;
        line = indent;
      }
      line += word + (at < words.length - 1 ? ' ' : '');
    });
    return done + line;
  }
}
