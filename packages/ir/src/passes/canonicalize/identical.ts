import type { Op } from '../../graph.ts';
import type { Rewriter } from './rewriter.ts';

/** Operators with the same operands and attributes merge into the first (extra-optimize, ir.md 7.1). */
export function mergeIdentical(rw: Rewriter): boolean {
  const first = new Map<string, Op>();
  for (const op of rw.list.slice()) {
    if (op.type === 'unknown' || op.type === 'top.Input' || op.outputs.length !== 1) continue;
    const key = JSON.stringify([op.type, op.inputs, op.attributes], (_, value) =>
      typeof value === 'bigint' ? `${value}n` : value,
    );
    const kept = first.get(key);
    if (kept === undefined) first.set(key, op);
    else if (!rw.isOutput(op.name)) {
      rw.bypass(op, kept.name);
      return true;
    }
  }
  return false;
}
