import type { Choice } from '../method.ts';

/** A clip range that holds zero, as an entry of the table: its ends, and the larger magnitude as the symmetric bound. */
export function choiceOfRange(lo: number, hi: number): Choice {
  const min = Math.min(lo, 0);
  const max = Math.max(hi, 0);
  return { threshold: Math.max(-min, max), min, max };
}
