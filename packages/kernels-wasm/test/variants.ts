import {
  type Arena,
  BinaryOp,
  type BinaryOpName,
  type KernelExports,
  ReduceOp,
  type ReduceOpName,
  UnaryOp,
  type UnaryOpName,
} from '../src/index.ts';
import { clamp } from '../src/scalar/clamp.ts';
import { BINARY } from '../src/scalar/f32-binary.ts';
import { instancenorm, layernorm, rmsnorm } from '../src/scalar/f32-norm.ts';
import { reduce } from '../src/scalar/f32-reduce.ts';
import { softmax } from '../src/scalar/f32-softmax.ts';
import { prelu, scaleChannels, toInt32, unary } from '../src/scalar/f32-unary.ts';
import { fakequantAffine, fakequantSymmetric } from '../src/scalar/fakequant.ts';
import { maxAbsDiff, metricsPair } from '../src/scalar/metrics.ts';
import {
  absdev,
  centralMoments,
  histogram,
  histogramHalves,
  histogramSigned,
  minmax,
  moments,
  octav,
} from '../src/scalar/stats.ts';
import { noise } from './tester.ts';

/**
 * A kernel over flat vectors of n floats: what the shared tester (vectors.test.ts) and the benchmark need to know of it.
 * Kernels whose geometry is the point (convolution, pooling, copies) have tests of their own.
 */
export interface Variant {
  readonly name: string;
  /** How many input vectors; 1 or 2. */
  readonly arity: 1 | 2;
  /** Bytes written at `out` for n elements. */
  readonly outBytes: (n: number) => number;
  readonly run: (e: KernelExports, inputs: readonly number[], out: number, n: number) => void;
  /** What must stand at `out`, from the scalar definition. */
  readonly twin: (inputs: readonly Float32Array[]) => Float32Array | Float64Array | Int32Array;
  readonly read: (arena: Arena, out: number, n: number) => Float32Array | Float64Array | Int32Array;
  /** Largest distance from the twin, in units in the last place. 0: the same bits. */
  readonly ulp: number;
  readonly inPlace: boolean;
  readonly data?: (n: number, seed: number) => Float32Array;
}

/** The binary's float64 functions are musl's, the twin's are the engine's: both round to float32, rarely apart. */
const ENGINE_MATH_ULP = 1;
const RARE_UNARY: readonly UnaryOpName[] = [
  'sin',
  'cos',
  'tan',
  'arccos',
  'arctanh',
  'sinh',
  'cosh',
  'powScalar',
  'scalarPow',
];

const SPECIALS = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  -1.5,
  2.5,
  -2.5,
  Infinity,
  -Infinity,
  Number.NaN,
  1e-45,
  -1e-45,
  1e-38,
  3e38,
  -3e38,
  88.72,
  -87.5,
  -103.9,
  20,
  -20,
  0.625,
  8388609,
  -8388609,
];

/** Every special value, then noise of several sizes. */
export function mixed(n: number, seed: number): Float32Array {
  const scales = [1, 10, 100, 0.01];
  const base = noise(n, seed);
  return base.map((v, i) => (i % 3 === 0 ? SPECIALS[(i / 3 + seed) % SPECIALS.length]! : v * scales[i % 4]!));
}

const f32Out = {
  outBytes: (n: number): number => n * 4,
  read: (arena: Arena, out: number, n: number): Float32Array => arena.f32(out, n),
};

function unaryVariant(op: UnaryOpName): Variant {
  const [p, q] = op === 'clip' ? [-0.5, 6] : op === 'reciprocal' ? [2, 0] : op === 'scalarPow' ? [1.7, 0] : [0.3, 0.5];
  return {
    ...f32Out,
    name: `f32_unary ${op}`,
    arity: 1,
    run: (e, [x], out, n) => e.f32_unary(UnaryOp[op], x!, out, n, p, q),
    twin: ([x]) => unary(op, x!, p, q),
    ulp: RARE_UNARY.includes(op) ? ENGINE_MATH_ULP : 0,
    inPlace: true,
    data: mixed,
  };
}

function binaryVariant(op: BinaryOpName, form: 'vector' | 'scalar_left' | 'scalar_right'): Variant {
  const [ca, cb, lo, hi] = [0.75, -1.25, form === 'vector' ? -Infinity : -0.5, form === 'vector' ? Infinity : 0.75];
  const [aStep, bStep] = [form === 'scalar_left' ? 0 : 1, form === 'scalar_right' ? 0 : 1];
  return {
    ...f32Out,
    name: `f32_binary ${op} ${form}`,
    arity: 2,
    run: (e, [a, b], out, n) => e.f32_binary(BinaryOp[op], a!, aStep, b!, bStep, out, n, ca, cb, lo, hi),
    twin: ([a, b]) => a!.map((_, i) => clamp(BINARY[op](a![i * aStep]!, b![i * bStep]!, ca, cb), lo, hi)),
    ulp: op === 'pow' ? ENGINE_MATH_ULP : 0,
    inPlace: form === 'vector',
    data: mixed,
  };
}

function reduceVariant(op: ReduceOpName): Variant {
  return {
    name: `f32_reduce ${op}`,
    arity: 1,
    outBytes: () => 4,
    read: (arena, out) => arena.f32(out, 1),
    run: (e, [x], out, n) => e.f32_reduce(ReduceOp[op], x!, out, 1, n, 1),
    twin: ([x]) => reduce(op, x!, 1, x!.length, 1),
    ulp: 0,
    inPlace: false,
  };
}

/** A statistic: clears `values` float64 at `out`, runs, compares all. */
function statistic(
  name: string,
  values: number,
  run: (e: KernelExports, inputs: readonly number[], out: number, n: number) => unknown,
  twin: (inputs: readonly Float32Array[]) => readonly number[],
  data?: (n: number, seed: number) => Float32Array,
): Variant {
  return {
    name,
    arity: name.startsWith('metrics') ? 2 : 1,
    outBytes: () => values * 8,
    read: (arena, out) => arena.f64(out, values),
    run: (e, inputs, out, n) => {
      new Float64Array(e.memory.buffer, out, values).fill(0);
      const answer = run(e, inputs, out, n);
      if (typeof answer === 'number') new Float64Array(e.memory.buffer, out, values)[values - 1] = answer;
    },
    twin: (inputs) => Float64Array.from(twin(inputs)),
    ulp: 0,
    inPlace: false,
    ...(data === undefined ? {} : { data }),
  };
}

const BINS = 64;

type Histogram = 'magnitudes' | 'halves' | 'signed';

/** Both into 64 counts; the answer, what was not counted, is kept behind them. */
const runHistogram: Readonly<Record<Histogram, (e: KernelExports, x: number, n: number, out: number) => number>> = {
  magnitudes: (e, x, n, out) => e.stats_histogram(x, n, Math.fround(0.015), BINS, out),
  halves: (e, x, n, out) => e.stats_histogram_halves(x, n, 64, BINS / 2, out),
  signed: (e, x, n, out) => e.stats_histogram_signed(x, n, -1, Math.fround(0.03), BINS, out),
};
const twinHistogram: Readonly<Record<Histogram, (x: Float32Array, counts: Int32Array) => number>> = {
  magnitudes: (x, counts) => histogram(x, 0.015, counts),
  halves: (x, counts) => histogramHalves(x, 64, counts),
  signed: (x, counts) => histogramSigned(x, -1, 0.03, counts),
};

function histogramVariant(name: string, kind: Histogram): Variant {
  return {
    name,
    arity: 1,
    outBytes: () => (BINS + 1) * 4,
    read: (arena, out) => arena.i32(out, BINS + 1),
    run: (e, [x], out, n) => {
      const counts = new Int32Array(e.memory.buffer, out, BINS + 1).fill(0);
      counts[BINS] = runHistogram[kind](e, x!, n, out);
    },
    twin: ([x]) => {
      const counts = new Int32Array(BINS);
      const outside = twinHistogram[kind](x!, counts);
      return Int32Array.from([...counts, outside]);
    },
    ulp: 0,
    inPlace: false,
    data: mixed,
  };
}

const fakequants: readonly Variant[] = [
  {
    ...f32Out,
    name: 'fakequant_symmetric',
    arity: 1,
    run: (e, [x], out, n) => e.fakequant_symmetric(x!, out, n, Math.fround(127 / 3.7)),
    twin: ([x]) => fakequantSymmetric(x!, Math.fround(127 / 3.7)),
    ulp: 0,
    inPlace: true,
    data: mixed,
  },
  ...(['halfEven', 'halfAwayFromZero'] as const).map((rounding, code): Variant => {
    const p = { scale: 0.25, zeroPoint: 3, qmin: 0, qmax: 255, rounding };
    return {
      ...f32Out,
      name: `fakequant_affine ${rounding}`,
      arity: 1,
      run: (e, [x], out, n) => e.fakequant_affine(x!, out, n, p.scale, p.zeroPoint, p.qmin, p.qmax, code),
      twin: ([x]) => fakequantAffine(x!, p),
      ulp: 0,
      inPlace: true,
      // Multiples of an eighth: half of them are ties.
      data: (n, seed) => noise(n, seed, 40).map((v) => Math.round(v * 8) / 8),
    };
  }),
];

const rows: readonly Variant[] = [
  ...[false, true].map(
    (log): Variant => ({
      ...f32Out,
      name: log ? 'f32_softmax log' : 'f32_softmax',
      arity: 1,
      run: (e, [x], out, n) => e.f32_softmax(x!, out, 1, n, 1, 1.5, Number(log)),
      twin: ([x]) => softmax(x!, 1, x!.length, 1, 1.5, log),
      ulp: 0,
      inPlace: true,
      data: (n, seed) => noise(n, seed, 20),
    }),
  ),
  {
    ...f32Out,
    name: 'f32_layernorm',
    arity: 2,
    run: (e, [x, w], out, n) => e.f32_layernorm(x!, w!, w!, out, 1, n, 1e-5),
    twin: ([x, w]) => layernorm(x!, w, w, x!.length, 1e-5),
    ulp: 0,
    inPlace: true,
  },
  {
    ...f32Out,
    name: 'f32_layernorm plain',
    arity: 1,
    run: (e, [x], out, n) => e.f32_layernorm(x!, 0, 0, out, 1, n, 1e-3),
    twin: ([x]) => layernorm(x!, undefined, undefined, x!.length, 1e-3),
    ulp: 0,
    inPlace: true,
  },
  {
    ...f32Out,
    name: 'f32_instancenorm',
    arity: 2,
    run: (e, [x, w], out, n) => e.f32_instancenorm(x!, w!, w!, out, 1, 1, n, 1e-5),
    twin: ([x, w]) => instancenorm(x!, w, w, 1, x!.length, 1e-5),
    ulp: 0,
    inPlace: true,
  },
  {
    ...f32Out,
    name: 'f32_rmsnorm',
    arity: 2,
    run: (e, [x, w], out, n) => e.f32_rmsnorm(x!, w!, out, 1, n, 1e-6),
    twin: ([x, w]) => rmsnorm(x!, w, x!.length, 1e-6),
    ulp: 0,
    inPlace: true,
  },
  {
    ...f32Out,
    name: 'f32_prelu',
    arity: 2,
    run: (e, [x, w], out, n) => e.f32_prelu(x!, w!, out, 1, 1, n),
    twin: ([x, w]) => prelu(x!, w!.slice(0, 1), x!.length),
    ulp: 0,
    inPlace: true,
    data: mixed,
  },
  {
    ...f32Out,
    name: 'f32_scale',
    arity: 2,
    run: (e, [x, w], out, n) => e.f32_scale(x!, w!, w!, out, 1, 1, n, -0.5, 4),
    twin: ([x, w]) => scaleChannels(x!, w!.slice(0, 1), w!.slice(0, 1), x!.length, -0.5, 4),
    ulp: 0,
    inPlace: true,
  },
  {
    name: 'f32_to_i32',
    arity: 1,
    outBytes: (n) => n * 4,
    read: (arena, out, n) => arena.i32(out, n),
    run: (e, [x], out, n) => e.f32_to_i32(x!, out, n),
    twin: ([x]) => toInt32(x!),
    ulp: 0,
    inPlace: true,
    data: mixed,
  },
];

const statistics: readonly Variant[] = [
  statistic(
    'stats_minmax',
    3,
    (e, [x], out, n) => {
      const bits = e.stats_minmax(x!, n, out);
      const [min, max] = new Float32Array(e.memory.buffer, out, 2);
      new Float64Array(e.memory.buffer, out, 2).set([min!, max!]);
      return bits;
    },
    ([x]) => {
      const r = minmax(x!);
      return [r.min, r.max, r.nonFinite];
    },
    mixed,
  ),
  statistic(
    'stats_find_nonfinite',
    1,
    (e, [x], _out, n) => e.stats_find_nonfinite(x!, n),
    ([x]) => [x!.findIndex((v) => !Number.isFinite(v))],
    (n, seed) => noise(n, seed).map((v, i) => (i === n - 2 ? Number.NaN : v)),
  ),
  statistic(
    'stats_moments',
    3,
    (e, [x], out, n) => e.stats_moments(x!, n, out),
    ([x]) => {
      const m = moments(x!);
      return [m.sum, m.squares, m.magnitudes];
    },
  ),
  statistic(
    'stats_absdev',
    1,
    (e, [x], _out, n) => e.stats_absdev(x!, n, 0.125),
    ([x]) => [absdev(x!, 0.125)],
  ),
  statistic(
    'stats_central_moments',
    2,
    (e, [x], out, n) => e.stats_central_moments(x!, n, 0.1, out),
    ([x]) => {
      const m = centralMoments(x!, 0.1);
      return [m.second, m.fourth];
    },
  ),
  statistic(
    'stats_octav',
    2,
    (e, [x], out, n) => e.stats_octav(x!, n, 0.25, out),
    ([x]) => {
      const o = octav(x!, 0.25);
      return [o.sum, o.count];
    },
  ),
  histogramVariant('stats_histogram', 'magnitudes'),
  histogramVariant('stats_histogram_halves', 'halves'),
  histogramVariant('stats_histogram_signed', 'signed'),
  statistic(
    'metrics_pair',
    6,
    (e, [a, b], out, n) => e.metrics_pair(a!, b!, n, out),
    ([a, b]) => Object.values(metricsPair(a!, b!)),
  ),
  statistic(
    'metrics_max_abs_diff',
    1,
    (e, [a, b], _out, n) => e.metrics_max_abs_diff(a!, b!, n),
    ([a, b]) => [maxAbsDiff(a!, b!)],
  ),
];

/** Fake quantization and its errors in one pass: the sums of `metrics_pair`. */
const fusedMetrics: readonly Variant[] = [
  statistic(
    'fakequant metrics symmetric',
    6,
    (e, [x], out, n) => e.metrics_fakequant_symmetric(x!, n, Math.fround(127 / 0.7), out),
    ([x]) => Object.values(metricsPair(x!, fakequantSymmetric(x!, Math.fround(127 / 0.7)))),
  ),
  ...(['halfEven', 'halfAwayFromZero'] as const).map((rounding, code) => {
    // Zero is outside the codes: what is missing at the end must not count as a clipped zero.
    const p = { scale: 0.25, zeroPoint: -3, qmin: 0, qmax: 100, rounding };
    return statistic(
      `fakequant metrics affine ${rounding}`,
      6,
      (e, [x], out, n) => e.metrics_fakequant_affine(x!, n, p.scale, p.zeroPoint, p.qmin, p.qmax, code, out),
      ([x]) => Object.values(metricsPair(x!, fakequantAffine(x!, p))),
      (n, seed) => noise(n, seed, 40).map((v) => Math.round(v * 8) / 8),
    );
  }),
];

/** Every kernel over flat vectors. */
export const VARIANTS: readonly Variant[] = [
  ...(Object.keys(UnaryOp) as UnaryOpName[]).map(unaryVariant),
  ...(Object.keys(BinaryOp) as BinaryOpName[]).flatMap((op) =>
    (['vector', 'scalar_left', 'scalar_right'] as const).map((form) => binaryVariant(op, form)),
  ),
  ...(Object.keys(ReduceOp) as ReduceOpName[]).map(reduceVariant),
  ...rows,
  ...fakequants,
  ...fusedMetrics,
  ...statistics,
];
