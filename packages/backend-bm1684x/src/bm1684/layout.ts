import { getScaleAndShiftPositive, type KnownOp, type OpOf, saturate, toInt } from '@q/ir';
import { type LoweringContext, tpuFormOf } from '@q/ir/lowering';

/** Shapes are in the result types: what only takes dimensions away or adds them is a Reshape there. */
export function asReshape(op: KnownOp): KnownOp {
  if (op.type !== 'top.Squeeze' && op.type !== 'top.Unsqueeze') return op;
  return { ...op, type: 'top.Reshape', attributes: { shape: [], flattenStartDim: -1 } };
}

/** Operators that only choose among codes. */
export function lowerMove(context: LoweringContext, op: KnownOp): boolean {
  if (op.inputs.some((name) => context.isWeight(name))) return false;
  const form = tpuFormOf(asReshape(op));
  context.emitAs(op, form.type, form.inputs, form.attributes, context.codeType(op.name, op));
  return true;
}

/** Operands of another scale are brought to the result's by a MulShift each (numerics.md 7.4). */
export function lowerConcat(context: LoweringContext, op: OpOf<'top.Concat'>): boolean {
  if (op.inputs.some((name) => context.isWeight(name))) return false;
  const output = context.quantizerOf(op.name, op);
  const inputs = op.inputs.map((name) => {
    const input = context.quantizerOf(name!, op);
    if (input.scale === output.scale && input.signed === output.signed) return name!;
    const transferred = `${name}_to_${op.name}`;
    if (!context.values.has(transferred)) {
      const type = { ...context.codeType(op.name, op), shape: context.shapeOf(name!) };
      const factor = getScaleAndShiftPositive(input.scale / output.scale, 8);
      context.emitAs({ ...op, name: transferred, outputs: [transferred] }, 'tpu.MulShift', [name!], factor, type);
      moveBehind(context, name!);
    }
    return transferred;
  });
  context.emitAs(op, 'tpu.Concat', inputs, op.attributes, context.codeType(op.name, op));
  return true;
}

/** Puts the operator emitted last right behind the one that makes `value`, where TPU-MLIR has it. */
function moveBehind(context: LoweringContext, value: string): void {
  const last = context.ops.pop()!;
  const producer = context.ops.findIndex((other) => other.outputs.includes(value));
  context.ops.splice(producer + 1, 0, last);
}

/** The padding value becomes a code of the operand's scale. */
export function lowerPad(context: LoweringContext, op: OpOf<'top.Pad'>): boolean {
  const { scale } = context.quantizerOf(op.inputs[0]!, op);
  const attributes = { ...op.attributes, val: toInt(op.attributes.val / scale) };
  context.emitAs(op, 'tpu.Pad', [op.inputs[0]!], attributes, context.codeType(op.name, op));
  return true;
}

/** Constants become codes of the result. */
export function lowerWhere(context: LoweringContext, op: OpOf<'top.Where'>): boolean {
  if (op.inputs.some((name) => context.isWeight(name))) return false;
  const { scale, signed } = context.quantizerOf(op.name, op);
  const code = (value: number): number => saturate(value / scale, signed ? 'i8' : 'u8');
  const { xConstVal, yConstVal } = op.attributes;
  const attributes = { ...op.attributes, xConstVal: code(xConstVal), yConstVal: code(yConstVal) };
  context.emitAs(op, 'tpu.Where', op.inputs, attributes, context.codeType(op.name, op));
  return true;
}

/** Codes are compared whatever their scales; the result is 0 or 1. */
export function lowerCompare(context: LoweringContext, op: OpOf<'top.Compare'>): boolean {
  if (op.inputs.some((name) => context.isWeight(name))) return false;
  context.emitAs(op, 'tpu.Compare', op.inputs, op.attributes, comparisonType(context, op.name));
  return true;
}

export function lowerCompareConst(context: LoweringContext, op: OpOf<'top.CompareConst'>): boolean {
  const { scale, signed } = context.quantizerOf(op.inputs[0]!, op);
  const constVal = saturate(op.attributes.constVal / scale, signed ? 'i8' : 'u8');
  context.emitAs(op, 'tpu.CompareConst', op.inputs, { ...op.attributes, constVal }, comparisonType(context, op.name));
  return true;
}

function comparisonType(context: LoweringContext, name: string) {
  return {
    shape: context.shapeOf(name),
    dtype: 'u8',
    quantization: { kind: 'uniform', expressed: 'f32', scale: 1, zeroPoint: 0 },
  } as const;
}
