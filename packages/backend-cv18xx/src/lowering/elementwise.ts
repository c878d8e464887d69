import { type KnownOp, type OpOf, rsMulQdm, saturate } from '@q/ir';
import { absMax, tpuFormOf } from '@q/ir/lowering';
import type { Cv18xxContext } from './context.ts';
import { sharedShift } from './scales.ts';

const hasWeight = (context: Cv18xxContext, op: KnownOp): boolean => op.inputs.some((name) => context.isWeight(name));

/** f32 factors of the operands of a sum: coefficient · threshold / threshold of the result. */
function factorsOf(context: Cv18xxContext, op: KnownOp, coefficients: readonly number[] | undefined): number[] {
  const output = context.thresholdOf(op.name, op);
  return op.inputs.map((name, index) =>
    Math.fround((coefficients?.[index] ?? 1) * (context.thresholdOf(name!, op) / output)),
  );
}

/** Add, Sub: truncated multipliers under one shift (numerics.md 9.3). False, with a constant: it runs in BF16. */
export function lowerSum(context: Cv18xxContext, op: OpOf<'top.Add'> | OpOf<'top.Sub'>): boolean {
  if (hasWeight(context, op)) return false;
  const { doRelu, coeff } = op.attributes;
  const factors = sharedShift(factorsOf(context, op, coeff));
  const type = context.codeType(op.name, op);
  if (op.type === 'top.Add') context.emitAs(op, 'tpu.Add', op.inputs, { doRelu, ...factors }, type);
  else {
    const { isReverse } = op.attributes;
    context.emitAs(op, 'tpu.Sub', op.inputs, { doRelu, isReverse, coeff: [1, 1], ...factors }, type);
  }
  return true;
}

/** Max, Min: the multipliers are written, and the interpreter compares the codes as they are. */
export function lowerExtremum(context: Cv18xxContext, op: OpOf<'top.Max'> | OpOf<'top.Min'>): boolean {
  if (hasWeight(context, op)) return false;
  const form = tpuFormOf(op);
  context.emitAs(
    op,
    form.type,
    op.inputs,
    sharedShift(factorsOf(context, op, undefined)),
    context.codeType(op.name, op),
  );
  return true;
}

/** MaxConst, MinConst compare with a constant tensor of codes of the operand. */
export function lowerExtremumConst(context: Cv18xxContext, op: OpOf<'top.MaxConst'> | OpOf<'top.MinConst'>): boolean {
  const { scale } = context.quantizerOf(op.inputs[0]!, op);
  const code = saturate(saturate(op.attributes.constVal / scale, 'i32'), 'i8');
  const shape = context.shapeOf(op.inputs[0]!);
  const [type, suffix] = op.type === 'top.MaxConst' ? (['tpu.Max', 'max'] as const) : (['tpu.Min', 'min'] as const);
  const codes = new Int8Array(shape.reduce((count, length) => count * length, 1)).fill(code);
  const constant = context.addWeight(op.name, `const_${suffix}`, { shape, dtype: 'i8', spelling: 'i8' }, codes);
  context.emitAs(op, type, [op.inputs[0]!, constant], {}, context.codeType(op.name, op));
  return true;
}

/** Mul: QDM of the product. False: the second operand has no threshold, and it runs in BF16. */
export function lowerMul(context: Cv18xxContext, op: OpOf<'top.Mul'>): boolean {
  const second = op.inputs[1]!;
  if (context.isWeight(second) || context.isUncalibrated(second)) return false;
  let factor = 1;
  const inputs = op.inputs.map((name) => {
    if (!context.isWeight(name)) {
      factor *= context.quantizerOf(name!, op).scale;
      return name;
    }
    const constant = context.floats(name);
    const scale = Math.fround(absMax(constant) / 127);
    factor *= scale;
    const codes = Int8Array.from(constant, (value) => saturate(value / scale, 'i8'));
    return context.addWeight(name, 'i8', { shape: context.shapeOf(name), dtype: 'i8' }, codes);
  });
  factor /= context.quantizerOf(op.name, op).scale;
  const attributes = { doRelu: op.attributes.doRelu, quantMode: 'QDM', ...rsMulQdm(factor) };
  context.emitAs(op, 'tpu.Mul', inputs, attributes, context.codeType(op.name, op));
  return true;
}
