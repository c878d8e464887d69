import type { KnownOp, OpOf } from '@q/ir';
import { extendedFormOf, type LoweringContext } from '@q/ir/lowering';
import { asReshape } from './layout.ts';

/** Emits the F32 form of `op`. */
export function lowerToFloat(context: LoweringContext, op: KnownOp): void {
  if (op.type === 'top.Clip') lowerClip(context, op);
  else if (op.type === 'top.Pow') lowerPow(context, op);
  else emitFloat(context, asReshape(op));
}

function emitFloat(context: LoweringContext, op: KnownOp): void {
  const form = extendedFormOf(op);
  const inputs = form.inputs.map((name) => (context.isWeight(name) ? context.keepWeight(name) : name));
  const types = op.outputs.map((name) => (name === null ? undefined : context.floatType(name, 'f32')));
  context.emitAs(op, form.type, inputs, form.attributes, types.find((type) => type !== undefined)!);
  op.outputs.forEach((name, index) => {
    if (name !== null) context.values.set(name, types[index]!);
  });
}

/** The steps that bm1684 makes of one operator; the last has its name. */
function emitChain(
  context: LoweringContext,
  op: KnownOp,
  steps: readonly {
    readonly suffix: string;
    readonly type: 'tpu.MaxConst' | 'tpu.MinConst' | 'tpu.MulConst' | 'tpu.Active';
    readonly attributes: object;
  }[],
): void {
  const type = context.floatType(op.name, 'f32');
  let from = op.inputs[0]!;
  for (const { suffix, type: step, attributes } of steps) {
    const name = `${op.name}${suffix}`;
    context.emitAs({ ...op, name, outputs: [name] }, step, [from], attributes, type);
    from = name;
  }
}

function lowerClip(context: LoweringContext, op: OpOf<'top.Clip'>): void {
  emitChain(context, op, [
    { suffix: '_max', type: 'tpu.MaxConst', attributes: { constVal: op.attributes.min } },
    { suffix: '', type: 'tpu.MinConst', attributes: { constVal: op.attributes.max } },
  ]);
}

/** x^n as e^(n·ln x): not a number for negative x, as on the processor. */
function lowerPow(context: LoweringContext, op: OpOf<'top.Pow'>): void {
  emitChain(context, op, [
    { suffix: '_log', type: 'tpu.Active', attributes: { mode: 'LN' } },
    { suffix: '_mul', type: 'tpu.MulConst', attributes: { constVal: op.attributes.exponent } },
    { suffix: '', type: 'tpu.Active', attributes: { mode: 'EXP' } },
  ]);
}
