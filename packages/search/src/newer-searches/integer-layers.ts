import type { Graph } from '@q/ir';

/** Types of codes: layers of these run in integers. */
const CODES: ReadonlySet<string> = new Set(['i8', 'u8', 'i16', 'u16', 'i32', 'u32']);

/** Does the lowered network compute this value in integers? */
export function isCodes(lowered: Graph, name: string): boolean {
  return CODES.has(lowered.values.get(name)?.dtype ?? '');
}
