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

/** Bytes that the values of one result may fill in a lane; upstream looks at f32 first, then at bfloat16. */
const LANE_BYTES = (32768 - 2 * 16) / 2;

const countOf = (shape: readonly number[], axes: readonly number[]): number =>
  axes.reduce((product, axis) => product * shape[axis]!, 1);

/** Groups of axes that are reduced one after the other: the last axes alone, until the rest fits a lane. */
function stagesOf(context: Cv18xxContext, op: OpOf<'top.Reduce'>): readonly (readonly number[])[] {
  const { mode, axes } = op.attributes;
  if (!REDUCTIONS.has(mode)) refuseOp(op, `the mode ${mode}`, [...REDUCTIONS].join(', '));
  const shape = context.shapeOf(op.inputs[0]!);
  const isInnermost = axes.includes(shape.length - 1) && axes.length > 1;
  if (mode === 'ReduceL2' || !isInnermost || countOf(shape, axes) * 4 < LANE_BYTES) return [axes];
  const stages: number[][] = [];
  const rest = [...axes];
  while (rest.length > 1) {
    stages.push([rest.pop()!]);
    if (countOf(shape, rest) * 2 < LANE_BYTES) return [...stages, rest];
  }
  return refuseOp(op, `${shape[rest[0]!]} values along one axis`, 'a reduction that fits a lane');
}

export function lowerReduce(context: Cv18xxContext, op: OpOf<'top.Reduce'>): boolean {
  const { axes, mode } = op.attributes;
  if (mode === 'ReduceL2' || stagesOf(context, op).length > 1) return false;
  const count = mode === 'ReduceMean' ? countOf(context.shapeOf(op.inputs[0]!), axes) : 1;
  const factor = context.thresholdOf(op.inputs[0]!, op) / context.thresholdOf(op.name, op) / count;
  const { multiplier, rshift } = rsMul(factor);
  const attributes = { ...op.attributes, multiplier: [multiplier], rshift: [rshift] };
  context.emitAs(op, 'tpu.Reduce', [op.inputs[0]!], attributes, context.codeType(op.name, op));
  return true;
}

/** A large reduction in stages of plain BF16, whose result has no range. */
function emitStages(context: Cv18xxContext, op: OpOf<'top.Reduce'>, stages: readonly (readonly number[])[]): void {
  let shape = context.shapeOf(op.inputs[0]!);
  let input = op.inputs[0]!;
  stages.forEach((axes, stage) => {
    const isLast = stage === stages.length - 1;
    const name = isLast ? op.name : `${op.name}_${stage}`;
    shape = isLast ? context.shapeOf(op.name) : shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    const attributes = { ...op.attributes, axes };
    context.emitAs({ ...op, name, outputs: [name] }, 'tpu.Reduce', [input], attributes, { shape, dtype: 'bf16' });
    input = name;
  });
}

export function lowerReduceToBf16(context: Cv18xxContext, op: OpOf<'top.Reduce'>): void {
  const stages = stagesOf(context, op);
  if (stages.length > 1) {
    emitStages(context, op, stages);
    return;
  }
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
