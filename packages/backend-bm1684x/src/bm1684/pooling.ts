import type { OpOf } from '@q/ir';
import { type LoweringContext, tpuFormOf } from '@q/ir/lowering';

/** Windows of more elements run in F32. */
const LARGEST_WINDOW = 225;

const areaOf = (kernelShape: readonly number[]): number => kernelShape.reduce((product, length) => product * length, 1);

/**
 * 1 / area as an 8-bit multiplier and a shift: the largest shift with a multiplier below 256, in lowest terms
 * (numerics.md 8; equal to upstream's table for every window of 1…225).
 */
export function reciprocalOf(area: number): { readonly multiplier: number; readonly rshift: number } {
  let rshift = 0;
  while (Math.floor(2 ** (rshift + 1) / area + 0.5) <= 255) rshift += 1;
  let multiplier = Math.floor(2 ** rshift / area + 0.5);
  while (multiplier % 2 === 0) {
    multiplier /= 2;
    rshift -= 1;
  }
  return { multiplier, rshift };
}

/** Average of codes; operand and result share their scale. */
export function lowerAvgPool(context: LoweringContext, op: OpOf<'top.AvgPool'>): boolean {
  const area = areaOf(op.attributes.kernelShape);
  if (op.attributes.isAdaptive || area > LARGEST_WINDOW) return false;
  const form = tpuFormOf(op);
  const attributes = { ...form.attributes, ...reciprocalOf(area) };
  context.emitAs(op, form.type, form.inputs, attributes, context.codeType(op.name, op));
  return true;
}

export function lowerMaxPool(context: LoweringContext, op: OpOf<'top.MaxPool'>): boolean {
  if (areaOf(op.attributes.kernelShape) > LARGEST_WINDOW) return false;
  const form = tpuFormOf(op);
  context.emitAs(op, form.type, form.inputs, form.attributes, context.codeType(op.name, op));
  return true;
}
