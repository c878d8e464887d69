import { float32Sum } from './float32-sum.ts';

/**
 * How `npz_tool compare` of TPU-MLIR judges one tensor, so that its tolerances mean the same here (cli.md 7.2).
 * The misspelt status is the original's: scripts match on it.
 */
export type MatchStatus = 'EQUAL' | 'NOT_EQUAL' | 'CLOSE' | 'SIMILAR' | 'NOT_SIMLIAR' | 'NOT_MATCH';

export interface TensorMatch {
  readonly status: MatchStatus;
  readonly passed: boolean;
  /** Decimal digits k of the first `CLOSE` test (rtol 10⁻ᵏ) that held. */
  readonly closeOrder?: number;
  readonly cosine: number;
  /** 1 − ‖a−b‖ / (‖(a+b)/2‖ + 1e−7); may be negative. */
  readonly euclidean: number;
  /** 10·log10 of signal over noise variance in dB, the target being the signal. */
  readonly sqnr: number;
}

/** Both must be exceeded. */
export type Tolerance = readonly [cosine: number, euclidean: number];

const PERFECT = { cosine: 1, euclidean: 1, sqnr: Number.POSITIVE_INFINITY } as const;

const UNLIKE = { cosine: 0, euclidean: 0, sqnr: Number.NEGATIVE_INFINITY } as const;

/**
 * Judges `target` against `reference`: equal, close, similar within `tolerance`, or not. `mustBeEqual` is how INT8
 * data are judged: equal or not.
 */
export function matchTensor(
  target: ArrayLike<number>,
  reference: ArrayLike<number>,
  tolerance: Tolerance,
  mustBeEqual = false,
): TensorMatch {
  if (target.length !== reference.length) return { status: 'NOT_MATCH', passed: false, ...UNLIKE };
  if (isEvery(target, reference, (a, b) => a === b)) return { status: 'EQUAL', passed: true, ...PERFECT };
  if (mustBeEqual) return { status: 'NOT_EQUAL', passed: false, ...UNLIKE };
  for (const order of [5, 4, 3]) {
    const relative = 10 ** -order;
    // Equal infinities and two NaNs are close, as numpy.allclose has it with equal_nan.
    const isClose = (a: number, b: number): boolean =>
      Number.isFinite(a) && Number.isFinite(b)
        ? Math.abs(a - b) <= 1e-8 + relative * Math.abs(b)
        : a === b || (Number.isNaN(a) && Number.isNaN(b));
    if (isEvery(target, reference, isClose)) return { status: 'CLOSE', passed: true, closeOrder: order, ...PERFECT };
  }
  const a = Float32Array.from(target, finite);
  const b = Float32Array.from(reference, finite);
  const cosine = cosineOf(a, b);
  const euclidean = euclideanOf(a, b);
  const passed = cosine > tolerance[0] && euclidean > tolerance[1];
  return { status: passed ? 'SIMILAR' : 'NOT_SIMLIAR', passed, cosine, euclidean, sqnr: sqnrOf(a, b) };
}

function isEvery(a: ArrayLike<number>, b: ArrayLike<number>, holds: (x: number, y: number) => boolean): boolean {
  for (let i = 0; i < a.length; i++) if (!holds(a[i]!, b[i]!)) return false;
  return true;
}

function finite(value: number): number {
  if (Number.isNaN(value)) return 0;
  return Number.isFinite(value) ? value : Math.sign(value) * 1e4;
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  let dot = 0;
  let aSquared = 0;
  let bSquared = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aSquared += a[i]! * a[i]!;
    bSquared += b[i]! * b[i]!;
  }
  const norms = Math.sqrt(aSquared) * Math.sqrt(bSquared);
  return norms === 0 ? 0 : dot / norms;
}

/** Sums in float32, as numpy forms them; the quotient in float64. */
function euclideanOf(a: Float32Array, b: Float32Array): number {
  const { fround, sqrt } = Math;
  const squared = (value: number): number => fround(value * value);
  const distance = float32Sum(a.length, (i) => squared(fround(a[i]! - b[i]!)));
  const middle = float32Sum(a.length, (i) => squared(fround(fround(a[i]! + b[i]!) / 2)));
  const similarity = 1 - sqrt(distance) / (sqrt(middle) + 1e-7);
  return Number.isFinite(similarity) ? similarity : 0;
}

function sqnrOf(a: Float32Array, b: Float32Array): number {
  const signal = squaresAroundMean(a);
  const noise = squaresAroundMean(a.map((value, i) => value - b[i]!));
  if (signal === 0 || noise === 0) return Number.POSITIVE_INFINITY;
  // numpy's float32 logarithm differs from processor to processor in its last place; this one is rounded correctly.
  return 10 * Math.fround(Math.log10(Math.fround(signal / noise)));
}

function squaresAroundMean(values: Float32Array): number {
  const { fround } = Math;
  const mean = fround(float32Sum(values.length, (i) => values[i]!) / values.length);
  return float32Sum(values.length, (i) => {
    const distance = fround(values[i]! - mean);
    return fround(distance * distance);
  });
}

/** What the lines of one tensor say besides its match. */
export interface MatchedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Element type as numpy calls it; `float32` when absent. */
  readonly elementType?: string;
  readonly match: TensorMatch;
}

/** `(1, 3)`, `(3,)`, `()`: a shape as Python prints it. */
export function shapeText(shape: readonly number[]): string {
  return `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
}

/** The vendor's lines for one tensor: status, and with `details` the metrics. */
export function matchLines({ name, shape, elementType, match }: MatchedTensor, details: boolean): string[] {
  const lines = [`[${name.padEnd(32)}] ${match.status.padStart(12)} [${match.passed ? 'PASSED' : 'FAILED'}]`];
  if (!details) return lines;
  lines.push(`    ${shapeText(shape)} ${elementType ?? 'float32'} `);
  if (match.closeOrder !== undefined) lines.push(`    close order            = ${match.closeOrder}`);
  else if (match.status === 'SIMILAR' || match.status === 'NOT_SIMLIAR') {
    lines.push(`    cosine_similarity      = ${fixed6(match.cosine)}`);
    lines.push(`    euclidean_similarity   = ${fixed6(match.euclidean)}`);
    lines.push(`    sqnr_similarity        = ${fixed6(match.sqnr)}`);
  }
  return lines;
}

/** Python's `{:.6f}`. */
export function fixed6(value: number): string {
  return Number.isFinite(value) ? value.toFixed(6) : pythonFloat(value);
}

/** The vendor's closing lines over all tensors that were compared. */
export function matchSummaryLines(matches: readonly TensorMatch[], target: string, reference: string): string[] {
  const count = (status: MatchStatus): number => matches.filter((match) => match.status === status).length;
  const passed = matches.filter((match) => match.passed).length;
  const judged = matches.filter((match) => match.status === 'SIMILAR' || match.status === 'NOT_SIMLIAR');
  const least = (key: 'cosine' | 'euclidean' | 'sqnr', start: number): number =>
    judged.reduce((low, match) => Math.min(low, match[key]), start);
  return [
    `${matches.length} compared`,
    `${passed} passed`,
    `  ${count('EQUAL')} equal, ${count('CLOSE')} close, ${count('SIMILAR')} similar`,
    `${matches.length - passed} failed`,
    `  ${count('NOT_EQUAL')} not equal, ${count('NOT_SIMLIAR')} not similar`,
    `min_similiarity = (${[least('cosine', 1), least('euclidean', 1), least('sqnr', Number.POSITIVE_INFINITY)].map(pythonFloat).join(', ')})`,
    `Target    ${target}`,
    `Reference ${reference}`,
    `npz compare ${matches.length === passed ? 'PASSED' : 'FAILED'}.`,
  ];
}

/** A double as Python prints it: `1.0`, `inf`, `1e-05`. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
