import type { OpOf } from '@q/ir';
import { multiplyShift } from '@q/kernels-wasm';
import { refuse } from '../float/refuse.ts';
import type { Implementations, OpImplementation } from '../implementation.ts';
import { aroundAxis } from '../shapes.ts';
import { codeBytes } from './code-table.ts';
import { byteCodesIn, type Codes, codesIn, lowestCode } from './codes.ts';
import { mixed } from './mixed.ts';

/** One channel: x · scale + bias saturated to 16 bits, then shifted down without rounding (numerics.md 8). */
function scaleCode(
  code: number,
  [scale, bias, lshift]: readonly [number, number, number],
  output: Codes,
  lo: number,
): number {
  const [low, high] = output.signed ? [-32768, 32767] : [0, 65535];
  const sum = Math.min(Math.max(code * scale + bias, low), high);
  return Math.min(Math.max(multiplyShift(sum, 1, -lshift, 'Down'), lo), output.hi);
}

/** One table of 256 codes per channel. */
const scale: OpImplementation<'tpu.Scale'> = {
  prepare(op: OpOf<'tpu.Scale'>, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const parameters = [1, 2, 3].map((operand) => context.constant(operand)?.data);
    const { outer, axis, inner } = aroundAxis(x.shape, 1);
    if (parameters.some((data) => data?.length !== axis)) return refuse(op, 'computed parameters', 'weights');
    const [input, output] = [byteCodesIn(x), codesIn(y)];
    const lo = lowestCode(output, op.attributes.doRelu);
    const bytes = new Uint8Array(axis * 256);
    for (let channel = 0; channel < axis; channel++) {
      const own = parameters.map((data) => data![channel]!) as [number, number, number];
      bytes.set(
        codeBytes(input.signed, (code) => scaleCode(code, own, output, lo)),
        channel * 256,
      );
    }
    const tables = context.place(bytes);
    return () => {
      for (let plane = 0; plane < outer * axis; plane++) {
        const at = plane * inner;
        kernels.lut_x8(x.ptr + at, tables.ptr + 256 * (plane % axis), y.ptr + at, inner);
      }
    };
  },
};

export const scaleImplementations: Implementations = { 'tpu.Scale': mixed(scale) };
