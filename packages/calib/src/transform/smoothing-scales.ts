import { power } from '../exponential.ts';

const { fround } = Math;
const EXPONENT_STEPS = 20;
const RANGE_STEPS = 20;
const LEVELS = 127;

/** Candidates per layer. */
export const CANDIDATES = EXPONENT_STEPS + 1 + RANGE_STEPS;

/**
 * The scales per channel that are tried (calibration.md 12): ax^a / aw^(1-a) for a = 0, 0.05 ... 1, then what brings
 * channels above 1/20 ... 20/20 of the largest down to it. Float32.
 *
 * @param ax largest magnitude of each channel of the layer
 * @param aw largest magnitude of each row of the constants
 */
export function candidateScales(ax: Float32Array, aw: Float32Array): Float32Array[] {
  const balanced = Array.from({ length: EXPONENT_STEPS + 1 }, (_, k) => {
    const a = k * 0.05;
    return ax.map((range, c) => {
      const reading = fround(power(aw[c]!, fround(1 - a)));
      return finiteOr1(fround(fround(power(range, fround(a))) / reading));
    });
  });
  const largest = ax.reduce((most, range) => Math.max(most, range), 0);
  const limited = Array.from({ length: RANGE_STEPS }, (_, k) => {
    const bound = fround((largest * (1 + k)) / RANGE_STEPS);
    return ax.map((range) => finiteOr1(Math.max(1, fround(range / bound))));
  });
  return [...balanced, ...limited];
}

function finiteOr1(value: number): number {
  return Number.isFinite(value) ? value : 1;
}

/** Activations divided by their channel's scale, as int8 with one scale for all of them would hold them. */
export function smoothedActivations(values: Float32Array, scales: Float32Array, ax: Float32Array): Float32Array {
  const range = ax.reduce((most, own, c) => Math.max(most, fround(own / scales[c]!)), 0);
  const step = fround(range / LEVELS);
  const smoothed = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++)
    smoothed[i] = quantized(fround(values[i]! / scales[i % scales.length]!), step);
  return smoothed;
}

/** Constants [K, N] with their rows multiplied by the scales, as int8 with one scale per row would hold them. */
export function smoothedWeights(values: Float32Array, scales: Float32Array): Float32Array {
  const columns = values.length / scales.length;
  const smoothed = new Float32Array(values.length);
  for (let row = 0; row < scales.length; row++) {
    const [from, to] = [row * columns, (row + 1) * columns];
    let range = 0;
    for (let i = from; i < to; i++) {
      smoothed[i] = values[i]! * scales[row]!;
      range = Math.max(range, Math.abs(smoothed[i]!));
    }
    const step = fround(range / LEVELS);
    if (step === 0) continue;
    for (let i = from; i < to; i++) smoothed[i] = quantized(smoothed[i]!, step);
  }
  return smoothed;
}

function quantized(value: number, step: number): number {
  const code = roundHalfEven(fround(value / step));
  return fround(Math.max(-LEVELS, Math.min(LEVELS, code)) * step);
}

function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
