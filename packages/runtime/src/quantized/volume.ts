import { elementCount, type OpOf } from '@q/ir';
import { floatImplementations } from '../float/index.ts';
import { refuse } from '../float/refuse.ts';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../implementation.ts';
import { TensorSlot } from '../slot.ts';
import { biasWithZero, watchAccumulator } from './accumulate.ts';
import { byteTable } from './code-table.ts';
import { byteCodesIn, codesIn, lowestCode } from './codes.ts';
import { delegateContext } from './delegate-context.ts';
import { asTop } from './float-form.ts';
import { mixed } from './mixed.ts';
import { averageFinish } from './pooling.ts';

/** Largest magnitude; the sums of one run. */
function peakOf(sums: Int32Array): number {
  let peak = 0;
  for (const sum of sums) peak = Math.max(peak, Math.abs(sum));
  return peak;
}

/** A float tensor at a fixed address. */
function placed(context: PrepareContext, name: string, shape: readonly number[], data: Float32Array): TensorSlot {
  const slot = new TensorSlot(name, { shape, dtype: 'f32' }, context.memory);
  slot.ptr = context.place(data).ptr;
  return slot;
}

/** The i32 sums of a convolution in three dimensions, from its definition on integer-valued floats: exact up to 2^24. */
const conv3d: OpImplementation<'tpu.Conv3D'> = {
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const { kernels } = context;
    const { zero } = byteCodesIn(x);
    if (y.dtype !== 'i32') refuse(op, `a result of ${y.dtype}`, 'i32');
    const filter = context.constant(1) ?? refuse(op, 'a computed filter', 'a weight');
    const identity = context.place(Float32Array.from(byteTable(x.dtype === 'i8', (code) => code - zero)));
    const scratch = [context.scratch(4 * x.length), context.scratch(4 * y.length)] as const;
    const from = new TensorSlot(x.name, { shape: x.shape, dtype: 'f32' }, context.memory);
    const to = new TensorSlot(y.name, { shape: y.shape, dtype: 'f32' }, context.memory);
    const w = placed(context, 'filter', filter.type.shape, Float32Array.from(filter.data));
    const given = op.inputs[2] == null ? undefined : context.constant(2)?.data;
    const bias = biasWithZero(given, filter.data, { channels: y.shape[1]!, zero });
    const operands = [from, w, placed(context, 'bias', [bias.length], bias)];
    const inFloat = delegateContext(context, {
      input: (index) => operands[index]!,
      optionalInput: (index) => operands[index] ?? null,
      output: () => to,
    });
    const top = asTop(op) as OpOf<'top.Conv'>;
    const run = (floatImplementations['top.Conv'] as OpImplementation<'top.Conv'>).prepare(top, inFloat);
    const watch = watchAccumulator(context);
    return () => {
      [from.ptr, to.ptr] = [scratch[0].ptr, scratch[1].ptr];
      kernels.lut_x8_x32(x.ptr, identity.ptr, from.ptr, x.length);
      run();
      kernels.f32_to_i32(to.ptr, y.ptr, y.length);
      watch(peakOf(y.i32()));
    };
  },
};

type Triple = readonly [number, number, number];

/** Calls back with the covered elements of every window of every plane, in output order. */
function eachWindow(
  op: OpOf<'tpu.Pool3D'>,
  shapes: { readonly input: readonly number[]; readonly output: readonly number[] },
  visit: (elements: readonly number[]) => void,
): void {
  const [D, H, W] = shapes.input.slice(2) as unknown as Triple;
  const outputs = shapes.output.slice(2) as unknown as Triple;
  const { kernelShape, strides, pads } = op.attributes;
  const span = (axis: number, at: number, length: number): [number, number] => {
    const start = at * strides[axis]! - pads[axis]!;
    return [Math.max(start, 0), Math.min(start + kernelShape[axis]!, length)];
  };
  const planes = shapes.input[0]! * shapes.input[1]!;
  for (let plane = 0; plane < planes; plane++) {
    for (let cell = 0; cell < elementCount(outputs); cell++) {
      const [z0, z1] = span(0, Math.floor(cell / (outputs[1] * outputs[2])), D);
      const [y0, y1] = span(1, Math.floor(cell / outputs[2]) % outputs[1], H);
      const [x0, x1] = span(2, cell % outputs[2], W);
      const elements: number[] = [];
      for (let z = z0; z < z1; z++) {
        for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) elements.push(((plane * D + z) * H + y) * W + x);
      }
      visit(elements);
    }
  }
}

/** Pooling of codes in three dimensions; an average always has a real factor and offset (numerics.md 7.5). */
const pool3d: OpImplementation<'tpu.Pool3D'> = {
  prepare(op, context): RunOp {
    const [x, y] = [context.input(0), context.output()];
    const { poolMode, kernelShape, countIncludePad, doRelu } = op.attributes;
    const output = codesIn(y);
    const lo = lowestCode(output, doRelu);
    const shapes = { input: x.shape, output: y.shape };
    const area = elementCount(kernelShape);
    const finish = poolMode === 'Max' ? undefined : averageFinish(op, kernelShape, output.zero);
    return () => {
      const [from, to] = [x.view(), y.view()];
      let at = 0;
      eachWindow(op, shapes, (elements) => {
        const value =
          finish === undefined
            ? elements.reduce((largest, index) => Math.max(largest, from[index]!), Number.NEGATIVE_INFINITY)
            : finish(
                Math.fround(
                  elements.reduce((sum, index) => sum + from[index]!, 0) / (countIncludePad ? area : elements.length),
                ),
              );
        to[at++] = Math.min(Math.max(value, lo), output.hi);
      });
    };
  },
};

export const volumeImplementations: Implementations = {
  'tpu.Conv3D': mixed(conv3d),
  'tpu.Pool3D': mixed(pool3d),
};
