import type { ValueRange } from '@q/ir';

/** real = scale · (q − zeroPoint), −128 ≤ q ≤ 127; the scale is a float32 value. */
export interface Int8Parameters {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Integer codes of a constant, with one scale and zero point, or one per index of a dimension. */
export interface QuantizedConstant {
  readonly codes: Int8Array | Int32Array;
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  /** Dimension that several scales belong to; 0 by default. */
  readonly axis?: number;
}

const QMIN = -128;
const QMAX = 127;
/** Keeps constant and dead tensors from a scale of 0 (spacemit.md 8.1). */
const SMALLEST_SCALE = 2 ** -23;

/** Half to even, exact for every double. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  const up = fraction > 0.5 || (fraction === 0.5 && floor % 2 !== 0);
  return (up ? floor + 1 : floor) + 0;
}

/**
 * The interval that the codes of a calibrated value cover. Symmetric plans bound both sides by the threshold, so the
 * observed extremes are cut to [−T, T]; asymmetric plans carry the bounds themselves. Always contains 0.
 */
export function coveredRange(range: ValueRange, isAsymmetric: boolean): { min: number; max: number } {
  const { threshold, min, max } = range;
  if (isAsymmetric) return { min: Math.min(min, 0), max: Math.max(max, 0) };
  return { min: Math.min(Math.max(min, -threshold), 0), max: Math.max(Math.min(max, threshold), 0) };
}

/** Asymmetric per-tensor parameters of an interval around 0 (spacemit.md 8.1): float64 arithmetic, the scale stored as float32. */
export function asymmetricParameters(min: number, max: number): Int8Parameters {
  const [low, high] = [Math.min(min, 0), Math.max(max, 0)];
  const scale = Math.max((high - low) / (QMAX - QMIN), SMALLEST_SCALE);
  return { scale: Math.fround(scale), zeroPoint: QMIN - roundHalfEven(low / scale) };
}

/** clamp(round_half_even(x / scale) + zeroPoint): the division in float32, as the runtimes do it. */
export function quantize(value: number, { scale, zeroPoint }: Int8Parameters): number {
  return Math.min(Math.max(roundHalfEven(Math.fround(value / scale)) + zeroPoint, QMIN), QMAX);
}

/** Convolution filters (spacemit.md 7.3): symmetric per output channel, scale 2 · |w|max / 255. `channels` is dimension 0. */
export function perChannelWeight(data: Float32Array, channels: number): QuantizedConstant {
  const size = data.length / channels;
  const codes = new Int8Array(data.length);
  const scales = Array.from({ length: channels }, (_, channel) => {
    const scale = Math.fround(symmetricScale(data.subarray(channel * size, (channel + 1) * size)));
    for (let i = channel * size; i < (channel + 1) * size; i++) codes[i] = quantize(data[i]!, { scale, zeroPoint: 0 });
    return scale;
  });
  return { codes, scales, zeroPoints: scales.map(() => 0) };
}

/** Transposed convolutions and matrix products: symmetric per tensor, the scale rounded up to a power of two. */
export function powerOfTwoWeight(data: Float32Array): QuantizedConstant {
  const scale = 2 ** Math.ceil(Math.log2(symmetricScale(data)));
  return {
    codes: Int8Array.from(data, (value) => quantize(value, { scale, zeroPoint: 0 })),
    scales: [scale],
    zeroPoints: [0],
  };
}

/** A matrix product's constant [rows, columns]: symmetric per row (axis 0) or column (axis 1), scale 2 · |w|max / 255. */
export function perLineWeight(data: Float32Array, [rows, columns]: readonly [number, number], axis: 0 | 1) {
  if (axis === 0) return perChannelWeight(data, rows);
  const turned = perChannelWeight(transposed(data, rows, columns), columns);
  const codes = new Int8Array(data.length);
  for (let c = 0; c < columns; c++) for (let r = 0; r < rows; r++) codes[r * columns + c] = turned.codes[c * rows + r]!;
  return { ...turned, codes, axis };
}

/** [rows, columns] as [columns, rows]. */
export function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c]!;
  return out;
}

/** The float numbers that codes stand for: f32(f32(code − zero point) · scale). */
export function dequantized({ codes, scales, zeroPoints, axis = 0 }: QuantizedConstant, shape: readonly number[]) {
  const inner = shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const channels = scales.length;
  return Float32Array.from(codes as Int8Array, (code, i) => {
    const c = channels === 1 ? 0 : Math.floor(i / inner) % channels;
    return (code - zeroPoints[c]!) * scales[c]!;
  });
}

/** Largest magnitude of a bias code (spacemit.md 8.8): beyond it the accumulator could overflow, the bias stays float. */
const LARGEST_BIAS_CODE = 2 ** 20;

/**
 * A bias in the accumulator's own scale, `input scale · weight scale` (spacemit.md 8.8); undefined where a code would leave
 * ±2^20, unless `mayOverflow` says that the vendor does not look.
 */
export function biasConstant(
  data: Float32Array,
  inputScale: number,
  weightScales: readonly number[],
  mayOverflow: boolean,
) {
  const scales = weightScales.map((scale) => Math.fround(inputScale * scale));
  const codes = Int32Array.from(data, (value, c) => roundHalfEven(value / (scales[c] ?? scales[0]!)));
  if (!mayOverflow && codes.some((code) => Math.abs(code) > LARGEST_BIAS_CODE)) return undefined;
  return { codes, scales, zeroPoints: scales.map(() => 0) };
}

/** Constants of element-wise operators (spacemit.md 7.3, "constant rule"): whole numbers keep their values. */
export function elementwiseConstant(data: Float32Array): QuantizedConstant {
  const parameters = constantParameters(data);
  const codes = Int8Array.from(data, (value) => quantize(value, parameters));
  return { codes, scales: [parameters.scale], zeroPoints: [parameters.zeroPoint] };
}

function constantParameters(data: Float32Array): Int8Parameters {
  const { min, max } = extremes(data);
  const whole = data.every(Number.isInteger);
  if (whole && min >= QMIN && max <= QMAX) return { scale: 1, zeroPoint: 0 };
  if (whole && min >= 0 && max <= 255) return { scale: 1, zeroPoint: QMIN };
  return asymmetricParameters(min, max);
}

function symmetricScale(data: Float32Array): number {
  const { min, max } = extremes(data);
  return Math.max((2 * Math.max(Math.abs(min), Math.abs(max))) / (QMAX - QMIN), SMALLEST_SCALE);
}

function extremes(data: Float32Array): { min: number; max: number } {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of data) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}

/** Smallest and largest real that the codes stand for, in float32. */
export function representable({ scale, zeroPoint }: Int8Parameters): { min: number; max: number } {
  return { min: Math.fround(scale * (QMIN - zeroPoint)), max: Math.fround(scale * (QMAX - zeroPoint)) };
}
