import type { Rewriter } from './rewriter.ts';

/** Operators with the same operands and attributes merge into the first (extra-optimize, ir.md 7.1). */
export function mergeIdentical(rw: Rewriter): boolean {
  const first = new Map<string, string>();
  let merged = false;
  for (const name of rw.list.map((op) => op.name)) {
    // Merging changes the operands of later operators: look the current one up.
    const op = rw.anyProducer(name);
    if (op === undefined || op.type === 'unknown' || op.type === 'top.Input' || op.outputs.length !== 1) continue;
    const key = JSON.stringify([op.type, op.inputs, op.attributes], (_, value) =>
      typeof value === 'bigint' ? `${value}n` : value,
    );
    const kept = first.get(key);
    if (kept === undefined) first.set(key, name);
    else if (!rw.isOutput(name)) {
      rw.bypass(op, kept);
      merged = true;
    }
  }
  return merged;
}
