import { type KnownOp, type OpOf, rsMul } from '@q/ir';
import { refuseOp, tpuFormOf } from '@q/ir/lowering';
import { padCode } from './activation.ts';
import { powerTables } from './bf16-tables.ts';
import type { Cv18xxContext } from './context.ts';
import { rescale, SAME_THRESHOLD } from './scales.ts';

/** Operators that only choose among codes. */
export function lowerMove(context: Cv18xxContext, op: KnownOp): boolean {
  if (op.inputs.some((name) => context.isWeight(name))) return false;
  const form = tpuFormOf(op);
  context.emitAs(op, form.type, form.inputs, form.attributes, context.codeType(op.name, op));
  return true;
}

/** A limited Relu runs in BF16, as a Clip. */
export function lowerRelu(context: Cv18xxContext, op: OpOf<'top.Relu'>): boolean {
  return op.attributes.reluLimit > 0 ? false : lowerMove(context, op);
}

/** A Concat of BF16 values, weights narrowed. */
export function lowerConcatToBf16(context: Cv18xxContext, op: OpOf<'top.Concat'>): void {
  const inputs = op.inputs.map((name) => context.bf16Operand(name!));
  const attributes = { ...op.attributes, onlyMerge: context.isMerged(op) };
  context.emitAs(op, 'tpu.Concat', inputs, attributes, context.bf16Type(op.name));
}

/** Every operand is brought to the result's threshold inside the Concat. False, with a constant: it runs in BF16. */
export function lowerConcat(context: Cv18xxContext, op: OpOf<'top.Concat'>): boolean {
  if (op.inputs.some((name) => context.isWeight(name))) return false;
  const output = context.thresholdOf(op.name, op);
  const pairs = op.inputs.map((name) => rescale(context.thresholdOf(name!, op), output, SAME_THRESHOLD));
  const attributes = {
    ...op.attributes,
    onlyMerge: context.isMerged(op),
    multipliers: pairs.map(({ multiplier }) => multiplier),
    rshifts: pairs.map(({ rshift }) => rshift),
  };
  context.emitAs(op, 'tpu.Concat', op.inputs, attributes, context.codeType(op.name, op));
  return true;
}

export function lowerPad(context: Cv18xxContext, op: OpOf<'top.Pad'>): boolean {
  const { scale } = context.quantizerOf(op.inputs[0]!, op);
  const attributes = { ...op.attributes, val: padCode(op.attributes.val, scale) };
  context.emitAs(op, 'tpu.Pad', [op.inputs[0]!], attributes, context.codeType(op.name, op));
  return true;
}

export function lowerAvgPool(context: Cv18xxContext, op: OpOf<'top.AvgPool'>): boolean {
  if (op.attributes.isAdaptive) refuseOp(op, 'an adaptive average', 'a window');
  const area = op.attributes.kernelShape.reduce((product, length) => product * length, 1);
  const factor = context.thresholdOf(op.inputs[0]!, op) / (context.thresholdOf(op.name, op) * area);
  const form = tpuFormOf(op);
  context.emitAs(op, form.type, form.inputs, { ...form.attributes, ...rsMul(factor) }, context.codeType(op.name, op));
  return true;
}

const REDUCTIONS: ReadonlySet<string> = new Set(['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceL2']);

/** Bytes of one lane that the codes of a reduction may fill; upstream splits larger ones (numerics.md 9.3). */
const LANE_BYTES = 32768;

function checkReduction(context: Cv18xxContext, op: OpOf<'top.Reduce'>, bytesPerCode: 1 | 2): void {
  const { mode, axes } = op.attributes;
  if (!REDUCTIONS.has(mode)) refuseOp(op, `the mode ${mode}`, [...REDUCTIONS].join(', '));
  const shape = context.shapeOf(op.inputs[0]!);
  const count = axes.reduce((product, axis) => product * shape[axis]!, 1);
  const isInnermost = axes.includes(shape.length - 1) && axes.length > 1;
  if (isInnermost && count * bytesPerCode >= (LANE_BYTES - 2 * 16) / 2) {
    refuseOp(op, `${count} elements per result, which TPU-MLIR splits`, 'a reduction that fits a lane');
  }
}

export function lowerReduce(context: Cv18xxContext, op: OpOf<'top.Reduce'>): boolean {
  if (op.attributes.mode === 'ReduceL2') return false;
  checkReduction(context, op, 1);
  const { axes, mode } = op.attributes;
  const shape = context.shapeOf(op.inputs[0]!);
  const count = mode === 'ReduceMean' ? axes.reduce((product, axis) => product * shape[axis]!, 1) : 1;
  const factor = context.thresholdOf(op.inputs[0]!, op) / context.thresholdOf(op.name, op) / count;
  const { multiplier, rshift } = rsMul(factor);
  const attributes = { ...op.attributes, multiplier: [multiplier], rshift: [rshift] };
  context.emitAs(op, 'tpu.Reduce', [op.inputs[0]!], attributes, context.codeType(op.name, op));
  return true;
}

export function lowerReduceToBf16(context: Cv18xxContext, op: OpOf<'top.Reduce'>): void {
  checkReduction(context, op, 2);
  const inputs = [op.inputs[0]!];
  if (op.attributes.mode === 'ReduceL2') {
    const root = powerTables(0.5);
    inputs.push(
      context.addTable(op.name, 'reciprocal_table', root.first),
      context.addTable(op.name, 'reciprocal_mantissa_table', root.second),
    );
  }
  context.emitAs(op, 'tpu.Reduce', inputs, op.attributes, context.bf16Type(op.name));
}
