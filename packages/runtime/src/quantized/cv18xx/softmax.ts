import { cvTruncBf16Bits, roundToCvBf16 } from '@q/ir';
import { refuse } from '../../float/refuse.ts';
import type { Implementations, OpImplementation } from '../../implementation.ts';
import { aroundAxis } from '../../shapes.ts';
import { Bf16Table, mantissaFunction, slopeFunction, tablesOf } from './lut.ts';

/** Bound of the exponential's table. */
const RANGE = 15;
const f = Math.fround;

/** Softmax and log-softmax in bfloat16 steps (numerics.md 10). */
const softmax: OpImplementation<'tpu.Softmax'> = {
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    if (y.type.dtype !== 'bf16') return refuse(op, `a result of ${y.type.dtype}`, 'bf16');
    const { log } = op.attributes;
    const exponential = new Bf16Table(slopeFunction(tablesOf(op, context, 1), -RANGE, RANGE));
    const last = mantissaFunction(tablesOf(op, context, 3), log);
    const { outer, axis, inner } = aroundAxis(x.shape, op.attributes.axis);
    const share = roundToCvBf16(f(roundToCvBf16(axis) / axis));
    const powers = new Float32Array(axis);
    const differences = new Float32Array(axis);
    const row = (first: number, from: Float32Array, to: Float32Array): void => {
      let largest = from[first]!;
      for (let c = 1; c < axis; c++) largest = Math.max(largest, from[first + c * inner]!);
      let sum = 0;
      for (let c = 0; c < axis; c++) {
        differences[c] = roundToCvBf16(f(from[first + c * inner]! - largest));
        powers[c] = exponential.at(cvTruncBf16Bits(differences[c]!));
        sum = f(sum + f(powers[c]! * share));
      }
      const factor = last(roundToCvBf16(sum));
      for (let c = 0; c < axis; c++) {
        to[first + c * inner] = roundToCvBf16(log ? f(differences[c]! - factor) : f(powers[c]! * factor));
      }
    };
    return () => {
      const [from, to] = [x.f32(), y.f32()];
      for (let block = 0; block < outer; block++) {
        for (let column = 0; column < inner; column++) row(block * axis * inner + column, from, to);
      }
    };
  },
};

export const softmaxImplementations: Implementations = { 'tpu.Softmax': softmax };
