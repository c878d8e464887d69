import { roundHalfEven } from './vmath.ts';

/** One code of ONNX QuantizeLinear: f32 quotient, half to even, zero point, clamp. NaN has no code. */
export function quantizeLinear(
  value: number,
  { scale, zero, lo, hi }: { readonly scale: number; readonly zero: number; readonly lo: number; readonly hi: number },
): number {
  const quotient = Math.fround(value / Math.fround(scale));
  return Math.min(Math.max(Math.fround(roundHalfEven(quotient) + zero), lo), hi);
}
