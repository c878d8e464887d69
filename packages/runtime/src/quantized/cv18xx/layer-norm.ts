import { roundToCvBf16 as bf16, elementCount } from '@q/ir';
import type { Implementations, OpImplementation } from '../../implementation.ts';
import { mantissaFunction, tablesOf } from './lut.ts';

const f = Math.fround;

/** LayerNorm in bfloat16 steps, its reciprocal square root from tables (numerics.md 10). */
const layerNorm: OpImplementation<'tpu.LayerNorm'> = {
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const [weight, bias] = [context.optionalInput(1), context.optionalInput(2)];
    const reciprocalRoot = mantissaFunction(tablesOf(op, context, 3), false);
    const { axis: given } = op.attributes;
    const axis = given < 0 ? given + x.shape.length : given;
    const length = elementCount(x.shape.slice(axis));
    const share = bf16(f(1 / length));
    const eps = bf16(f(op.attributes.eps));
    const row = (from: Float32Array, to: Float32Array, w?: Float32Array, b?: Float32Array): void => {
      let sum = 0;
      for (let i = 0; i < length; i++) sum = f(sum + f(from[i]! * share));
      const mean = bf16(sum);
      let squares = 0;
      for (let i = 0; i < length; i++) {
        const difference = bf16(f(from[i]! - mean));
        squares = f(squares + bf16(f(bf16(f(difference * difference)) * share)));
      }
      const factor = reciprocalRoot(bf16(f(bf16(squares) + eps)));
      for (let i = 0; i < length; i++) {
        let value = bf16(f(bf16(f(from[i]! - mean)) * factor));
        if (w !== undefined) value = bf16(f(value * w[i]!));
        if (b !== undefined) value = bf16(f(value + b[i]!));
        to[i] = value;
      }
    };
    return () => {
      const [from, to] = [x.f32(), y.f32()];
      for (let at = 0; at < from.length; at += length) {
        row(from.subarray(at, at + length), to.subarray(at, at + length), weight?.f32(), bias?.f32());
      }
    };
  },
};

export const layerNormImplementations: Implementations = { 'tpu.LayerNorm': layerNorm };
