import { elementCount } from '../../dtype.ts';
import { intAttribute } from '../onnx-graph.ts';
import { type Expander, type Expansion, int, notExpanded } from './expansion.ts';

/** A bigger table than this is no part of a network. */
const MOST_ENTRIES = 2 ** 24;

interface Transform {
  /** Number of points; longer signals are cut off, shorter ones end in zeros. */
  readonly points: number;
  readonly isInverse: boolean;
  readonly isOnesided: boolean;
}

/**
 * Discrete Fourier transform of [rows, n] signals as products with cosine and sine tables: real and imaginary part of [rows, bins].
 * An imaginary part of `undefined` is zero.
 */
function transform(
  to: Expansion,
  [real, imaginary]: readonly [string, string | undefined],
  length: number,
  { points, isInverse, isOnesided }: Transform,
): { parts: [string, string]; bins: number } {
  const bins = isOnesided ? Math.floor(points / 2) + 1 : points;
  const used = Math.min(length, points);
  if (used * bins > MOST_ENTRIES) throw notExpanded(to.source, `${used} x ${bins} points`, `${MOST_ENTRIES} entries`);
  const table = (f: (angle: number) => number) =>
    to.floats(
      Array.from({ length: used * bins }, (_, at) => {
        // The product is reduced first: large angles lose digits.
        const turn = (Math.floor(at / bins) * (at % bins)) % points;
        return f((2 * Math.PI * turn) / points) / (isInverse ? points : 1);
      }),
      [used, bins],
    );
  const [cosine, sine] = [table(Math.cos), table((angle) => (isInverse ? -Math.sin(angle) : Math.sin(angle)))];
  const product = (x: string, matrix: string) =>
    to.add('MatMul', [used === length ? x : to.slice(x, 1, 0, used), matrix]);
  if (imaginary === undefined) {
    return { parts: [product(real, cosine), to.add('Neg', [product(real, sine)])], bins };
  }
  const parts: [string, string] = [
    to.add('Add', [product(real, cosine), product(imaginary, sine)]),
    to.add('Sub', [product(imaginary, cosine), product(real, sine)]),
  ];
  return { parts, bins };
}

/**
 * The real signal of `points` numbers whose spectrum is given up to its middle: the other half mirrors it, so every bin but the
 * first and the middle one counts twice.
 */
function realSignal(to: Expansion, [real, imaginary]: readonly [string, string], bins: number, points: number): string {
  const used = Math.min(bins, Math.floor(points / 2) + 1);
  const table = (f: (angle: number) => number) =>
    to.floats(
      Array.from({ length: used * points }, (_, at) => {
        const bin = Math.floor(at / points);
        const weight = (bin === 0 || 2 * bin === points ? 1 : 2) / points;
        return weight * f((2 * Math.PI * ((bin * (at % points)) % points)) / points);
      }),
      [used, points],
    );
  const product = (x: string, matrix: string) =>
    to.add('MatMul', [used === bins ? x : to.slice(x, 1, 0, used), matrix]);
  return to.add('Sub', [product(real, table(Math.cos)), product(imaginary, table(Math.sin))]);
}

/** Real and imaginary part of a tensor whose last dimension holds them; real signals have one number there. */
function partsOf(to: Expansion, x: string, shape: readonly number[]): [string, string | undefined] {
  const last = shape.length - 1;
  if (shape[last] === 1) return [x, undefined];
  return [to.slice(x, last, 0, 1), to.slice(x, last, 1, 2)];
}

function constantInput(to: Expansion, index: number, what: string): number | undefined {
  if (!to.has(index)) return undefined;
  const value = to.numbers(to.input(index))?.[0];
  if (value === undefined) throw notExpanded(to.source, `${what} computed at run time`, `a constant ${what}`);
  return value;
}

/** DFT along one axis of [batch, …, n, …, 1 or 2]. */
const dft: Expander = (node, to) => {
  const shape = to.shape(to.input(0));
  const rank = shape.length;
  const given = constantInput(to, 2, 'axis') ?? intAttribute(node, 'axis', to.opset < 20 ? 1 : -2);
  const axis = given < 0 ? given + rank : given;
  const length = shape[axis]!;
  const settings = {
    points: constantInput(to, 1, 'length') ?? length,
    isInverse: intAttribute(node, 'inverse', 0) !== 0,
    isOnesided: intAttribute(node, 'onesided', 0) !== 0,
  };
  // The transformed axis goes to the end: [rest, n].
  const order = [...shape.keys()].filter((at) => at !== axis && at !== rank - 1);
  const rows = partsOf(to, to.input(0), shape).map((part) =>
    part === undefined ? undefined : to.reshape(to.transpose(part, [...order, rank - 1, axis]), [-1, length]),
  ) as [string, string | undefined];
  const isReal = settings.isInverse && settings.isOnesided;
  const points = isReal ? (constantInput(to, 1, 'length') ?? 2 * (length - 1)) : 0;
  const { parts, bins } = isReal
    ? { parts: [realSignal(to, rows as [string, string], length, points)], bins: points }
    : transform(to, rows, length, settings);
  const moved = [...order.map((at) => shape[at]!), bins];
  const back = [...shape.keys()].slice(0, -1).map((at) => (at === axis ? order.length : order.indexOf(at)));
  const columns = parts.map((part) =>
    to.reshape(to.transpose(to.reshape(part, moved), back), [...shape.with(axis, bins).slice(0, -1), 1]),
  );
  to.finish(columns.length === 1 ? 'Identity' : 'Concat', columns, { axis: int(-1) });
};

/** Windows of the signal, `frame_step` apart, each transformed: [batch, frames, bins, 2]. */
const stft: Expander = (node, to) => {
  const shape = to.shape(to.input(0));
  const [batch, length] = shape as [number, number];
  const step = constantInput(to, 1, 'step')!;
  const size = constantInput(to, 3, 'frame length') ?? elementCount(to.shape(to.input(2)));
  const frames = Math.floor((length - size) / step) + 1;
  const positions = Array.from({ length: frames * size }, (_, at) => Math.floor(at / size) * step + (at % size));
  const isReal = shape.length === 2 || shape[2] === 1;
  const signal = to.reshape(to.input(0), [batch, length, isReal ? 1 : 2]);
  const framed = partsOf(to, signal, [batch, length, isReal ? 1 : 2]).map((part) => {
    if (part === undefined) return undefined;
    const cut = to.add('Gather', [to.reshape(part, [batch, length]), to.ints(positions, [frames, size])], {
      axis: int(1),
    });
    const windowed = to.has(2) ? to.add('Mul', [cut, to.input(2)]) : cut;
    return to.reshape(windowed, [batch * frames, size]);
  }) as [string, string | undefined];
  const isOnesided = intAttribute(node, 'onesided', 1) !== 0;
  const { parts, bins } = transform(to, framed, size, { points: size, isInverse: false, isOnesided });
  const columns = parts.map((part) => to.reshape(part, [batch, frames, bins, 1]));
  to.finish('Concat', columns, { axis: int(-1) });
};

export const signalExpanders: Readonly<Record<string, Expander>> = { DFT: dft, STFT: stft };
