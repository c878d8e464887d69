import { mulI8, rsMul, rsMulQdm, saturateF32 } from '@q/ir';

const f = Math.fround;

/** Thresholds on both sides of an operator: real = code · threshold / 127. */
export interface Thresholds {
  readonly input: number;
  readonly output: number;
}

/** Factor that the products of codes need, at full 8-bit weights (numerics.md 9.1). Computed in f32. */
export function filterFactor(weightMax: number, { input, output }: Thresholds): number {
  return f(f(f(weightMax) * f(input)) / f(127 * f(output)));
}

/** Smallest factor at which a bias still fits 31 bits. */
export function biasFactor(bias: number, output: number): number {
  return f(f(Math.abs(bias)) * 127) / (2147483647 * 0.998 * f(output));
}

/** Multiplier, shift, and what weights and biases are multiplied by to become codes under them. */
export interface ChannelScale {
  readonly multiplier: number;
  readonly rshift: number;
  readonly weightFactor: number;
  readonly biasFactor: number;
}

export function channelScale(factor: number, { input, output }: Thresholds): ChannelScale {
  const { multiplier, rshift } = rsMulQdm(factor);
  const codesPer = (unit: number): number => (multiplier === 0 ? 0 : f((unit * 2 ** (rshift + 31)) / multiplier));
  return {
    multiplier,
    rshift,
    weightFactor: codesPer(f(f(input) / f(output))),
    biasFactor: codesPer(f(127 / f(output))),
  };
}

/** The factor of one channel: below 1, and large enough for its bias. */
export function guardedFactor(weightMax: number, bias: number | undefined, thresholds: Thresholds): number {
  const raw = filterFactor(weightMax, thresholds);
  const factor = raw >= 1 ? 0.999999 : raw;
  const needed = bias === undefined ? 0 : biasFactor(bias, thresholds.output);
  return factor < needed && needed < 1 ? needed : factor;
}

/** Codes round half to even of an f32 product, unlike on the BM chips. */
export function weightCode(weight: number, factor: number): number {
  return saturateF32(f(weight * factor), 'i8', 'HalfToEven');
}

export function biasCode(bias: number, factor: number): number {
  return Math.min(saturateF32(f(bias * factor), 'i32', 'HalfToEven'), 2 ** 31 - 1);
}

/** Multipliers of the operands of a sum under one shift, truncated (numerics.md 9.3). `factors` are f32. */
export function sharedShift(factors: readonly number[]): { multipliers: number[]; rshifts: number[] } {
  const { rshift } = rsMul(factors.reduce((largest, factor) => Math.max(largest, Math.abs(factor)), 0));
  return { multipliers: factors.map((factor) => mulI8(factor, rshift)), rshifts: [rshift] };
}

/** Thresholds of a Concat closer than this count as one. */
export const SAME_THRESHOLD = 1e-5;

/** Pair that brings codes of one threshold to another; identity when they are the same to `tolerance`. */
export function rescale(input: number, output: number, tolerance: number): { multiplier: number; rshift: number } {
  return Math.abs(input - output) <= tolerance ? { multiplier: 1, rshift: 0 } : rsMul(input / output);
}
