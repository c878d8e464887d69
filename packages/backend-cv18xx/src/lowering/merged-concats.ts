import type { Op, OpOf } from '@q/ir';
import type { Cv18xxContext } from './context.ts';
import { SAME_THRESHOLD } from './scales.ts';

/** Views and slices of memory cannot be written to in place. */
const VIEWS: ReadonlySet<string> = new Set(['top.Reshape', 'top.Slice', 'top.Squeeze', 'top.Unsqueeze']);

/** Do the codes of all operands have the result's threshold? BF16 values always do. */
function keepsCodes(context: Cv18xxContext, op: OpOf<'top.Concat'>): boolean {
  if (context.precisionOf(op) !== 'INT8') return true;
  const output = context.rangeOf(op.name)?.max ?? 0;
  return op.inputs.every((name) => Math.abs((context.rangeOf(name!)?.max ?? 0) - output) <= SAME_THRESHOLD);
}

/**
 * Concats whose operands are written straight to their place in the result (`only_merge`): it changes no number, and the
 * code generator relies on it. Looked at from the last one to the first, as upstream lowers.
 */
export function findMergedConcats(context: Cv18xxContext): ReadonlySet<string> {
  const merged = new Set<string>();
  const { graph } = context;
  const isFree = (op: Op): boolean => !VIEWS.has(op.type) && !merged.has(op.name);
  for (const op of graph.ops.toReversed()) {
    if (op.type !== 'top.Concat' || op.attributes.doRelu) continue;
    const shape = context.shapeOf(op.name);
    const axis = op.attributes.axis < 0 ? op.attributes.axis + shape.length : op.attributes.axis;
    const fits =
      shape.slice(0, axis).every((length) => length === 1) &&
      new Set(op.inputs).size === op.inputs.length &&
      op.inputs.every((name) => {
        const producer = graph.producerOf(name!);
        if (producer === undefined || VIEWS.has(producer.type)) return false;
        return graph.useCount(name!) === 1 || graph.usersOf(name!).every(isFree);
      }) &&
      graph.usersOf(op.name).every((user) => !merged.has(user.name)) &&
      keepsCodes(context, op);
    if (fits) merged.add(op.name);
  }
  return merged;
}
