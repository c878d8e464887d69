import type { OpOf } from '@q/ir';
import { Finish } from '@q/kernels-wasm';
import { floatImplementations } from '../float/index.ts';
import { refuse } from '../float/refuse.ts';
import { imageShape, type Window2D, window2D } from '../float/window.ts';
import type { ConstantOperand, Implementations, OpImplementation, PrepareContext, RunOp } from '../implementation.ts';
import { type Slot, TensorSlot } from '../slot.ts';
import { biasWithZero, floatBias, watchAccumulator } from './accumulate.ts';
import { byteTable } from './code-table.ts';
import { byteCodesIn, codesIn, flag, lowestCode } from './codes.ts';
import { delegateContext } from './delegate-context.ts';
import { prepareFinish } from './finish.ts';
import { asTop } from './float-form.ts';
import { largestSum } from './largest-sum.ts';
import { mixed } from './mixed.ts';
import { shiftSums } from './shifted-sums.ts';

/** One multiplier and shift per channel; a single pair serves all. */
export function perChannel(values: readonly number[] | undefined, channels: number, fallback: number): Int32Array {
  const list = values ?? [fallback];
  return Int32Array.from({ length: channels }, (_, channel) => list[list.length === 1 ? 0 : channel]!);
}

/** The kernel's finish of a `quant_mode`. */
export function finishOf(op: { readonly type: string; readonly name: string }, quantMode: string): number {
  // A shift alone comes without multipliers, and those default to 1.
  if (quantMode === 'MultiplierShift' || quantMode === 'OnlyShift') return Finish.multiplierShift;
  if (quantMode === 'QDM') return Finish.qdm;
  return refuse(op, `the mode ${quantMode}`, 'MultiplierShift, OnlyShift or QDM');
}

const conv: OpImplementation<'tpu.Conv2D'> = {
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const [input, output] = [byteCodesIn(x), codesIn(y)];
    const { N, C, H, W } = imageShape(x.shape);
    const OC = imageShape(y.shape).C;
    const w = window2D(op.attributes);
    const { group, doRelu, quantMode } = op.attributes;
    const packed = packFilter(op, context, w, [C, OC]);
    const bias: Slot | null =
      op.inputs[2] == null ? null : context.derive(2, 'f32', (weight) => floatBias(weight.data));
    const geometry = [w.kernelH, w.kernelW, w.strideH, w.strideW, w.dilationH, w.dilationW] as const;
    const padding = [w.padTop, w.padLeft, w.padBottom, w.padRight] as const;
    const scratch = context.scratch(kernels.qs8_conv2d_scratch_bytes(C, H, W, OC, ...geometry, ...padding, group));
    const lo = lowestCode(output, doRelu);
    const bytes = y.byteLength / y.length;
    const finish = prepareFinish(context, {
      mode: finishOf(op, quantMode),
      bias,
      multiplier: perChannel(op.attributes.multiplier, OC, 1),
      rshift: perChannel(op.attributes.rshift, OC, 0),
      bytes,
      codes: [output.zero, lo, output.hi],
    });
    const [biases, multipliers, shifts] = finish.pointers;
    const watch = watchAccumulator(context);
    return () => {
      // biome-ignore format: one argument per line hides the groups
      const peak = kernels.qs8_conv2d(
        x.ptr, flag(input.signed), packed.ptr, biases, multipliers, shifts, y.ptr, bytes, scratch.ptr,
        N, C, H, W, OC, w.kernelH, w.kernelW, w.strideH, w.strideW, w.dilationH, w.dilationW,
        w.padTop, w.padLeft, w.padBottom, w.padRight, group, input.zero, finish.mode, output.zero, lo, output.hi,
      );
      watch(peak);
    };
  },
};

/** The filter of `qs8_conv2d`, channels in and out given. */
export function packFilter(
  op: OpOf<'tpu.Conv2D'> | OpOf<'tpu.Conv3D'>,
  context: PrepareContext,
  w: Window2D,
  [ic, oc]: readonly [number, number],
): Slot {
  const filter = context.constant(1) ?? refuse(op, 'a computed filter', 'a weight');
  const { kernels } = context;
  const steps = [w.strideH, w.strideW, w.dilationH, w.dilationW] as const;
  const geometry = [ic, oc, w.kernelH, w.kernelW, ...steps, op.attributes.group] as const;
  const signed = flag(filter.data instanceof Int8Array);
  return context.pack(1, {
    layout: `qs8_conv2d ${geometry}`,
    byteLength: kernels.qs8_conv2d_packed_bytes(...geometry),
    fill: (raw, packed) => kernels.qs8_conv2d_pack(raw, signed, packed, ...geometry),
  });
}

/**
 * The i32 sums of a transposed convolution, computed as the interpreter computes them: on integer-valued floats, bias
 * included. Exact up to 2^24.
 */
const deconv: OpImplementation<'tpu.Deconv'> = {
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const { kernels } = context;
    const { zero } = byteCodesIn(x);
    const reals = context.place(Float32Array.from(byteTable(x.dtype === 'i8', (code) => code - zero)));
    const [from, to] = [floatCopy(context, x), floatCopy(context, y)];
    const run = prepareSums(op, context, from.slot, to.slot);
    const watch = watchAccumulator(context);
    const peak = largestSum(context, to.slot, to.slot.length);
    const finish =
      y.dtype === 'i32' ? () => kernels.f32_to_i32(to.slot.ptr, y.ptr, y.length) : shiftSums(op, context, to.slot);
    return () => {
      from.settle();
      to.settle();
      kernels.lut_x8_x32(x.ptr, reals.ptr, from.slot.ptr, x.length);
      run();
      watch(peak());
      finish();
    };
  },
};

/** A float tensor of the shape of `like` in scratch memory; `settle` gives it its address once the plan is made. */
function floatCopy(context: PrepareContext, like: TensorSlot): { readonly slot: TensorSlot; settle(): void } {
  const slot = new TensorSlot(like.name, { shape: like.shape, dtype: 'f32' }, context.memory);
  const scratch = context.scratch(slot.byteLength);
  return {
    slot,
    settle() {
      slot.ptr = scratch.ptr;
    },
  };
}

/** The weight of an operand with its codes as floats. */
const inFloats = (weight: ConstantOperand): ConstantOperand => ({ ...weight, data: Float32Array.from(weight.data) });

function prepareSums(op: OpOf<'tpu.Deconv'>, context: PrepareContext, x: TensorSlot, y: TensorSlot): RunOp {
  const top = asTop(op) as OpOf<'top.Deconv'>;
  const bias = biasSlot(op, context, y.shape[1]!);
  const inFloat = delegateContext(context, {
    input: (index) => (index === 0 ? x : context.input(index)),
    optionalInput: (index) => (index === 0 ? x : index === 2 ? bias : context.optionalInput(index)),
    output: () => y,
    constant(index) {
      const weight = context.constant(index);
      return weight && inFloats(weight);
    },
    pack: (index, request) =>
      context.pack(index, {
        ...request,
        layout: `f32 ${request.layout}`,
        arrange: (weight) => request.arrange?.(inFloats(weight)) ?? inFloats(weight).data,
      }),
  });
  return (floatImplementations['top.Deconv'] as OpImplementation<'top.Deconv'>).prepare(top, inFloat);
}

function biasSlot(op: OpOf<'tpu.Deconv'>, context: PrepareContext, channels: number): TensorSlot | null {
  const { zero } = codesIn(context.input(0));
  const filter = context.constant(1);
  if (zero === 0 && op.inputs[2] == null) return null;
  const given = op.inputs[2] == null ? undefined : context.constant(2)?.data;
  const data = biasWithZero(given, filter?.data ?? [], { channels, zero });
  const slot = new TensorSlot('bias', { shape: [channels], dtype: 'f32' }, context.memory);
  slot.ptr = context.place(data).ptr;
  return slot;
}

export const convolutionImplementations: Implementations = {
  'tpu.Conv2D': mixed(conv),
  'tpu.Deconv': mixed(deconv),
};
