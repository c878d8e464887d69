import type { KnownOp } from '@q/ir';
import type { Bm168xContext } from './lowering/context.ts';

/** A sum that leaves every code as it is; the vendor does not look at how the scales differ (by less than the constant). */
function isIdentity(context: Bm168xContext, op: KnownOp): boolean {
  if (op.type !== 'tpu.AddConst') return false;
  const { constVal, multiplier, rshift, doRelu } = op.attributes;
  if (constVal !== 0 || multiplier !== 1 || rshift !== 0 || doRelu) return false;
  return context.values.get(op.inputs[0]!)?.dtype === context.values.get(op.name)?.dtype;
}

/** Takes out sums with nothing, as the vendor's canonicalisation after lowering does: readers get the operand itself. */
export function removeIdentities(context: Bm168xContext, outputs: readonly string[]): void {
  const replaced = new Map<string, string>();
  const kept: KnownOp[] = [];
  for (const op of context.ops) {
    const inputs = op.inputs.map((name) => (name === null ? null : (replaced.get(name) ?? name)));
    const connected = { ...op, inputs } as KnownOp;
    if (isIdentity(context, connected) && !outputs.includes(op.name)) {
      replaced.set(op.name, connected.inputs[0]!);
      context.values.delete(op.name);
    } else {
      kept.push(connected);
    }
  }
  context.ops.splice(0, context.ops.length, ...kept);
}
