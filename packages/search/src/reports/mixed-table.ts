import { quantizeHeader } from '@q/ir';

export interface MixedTable {
  /** `YYYY-MM-DD HH:MM:SS.ffffff` */
  readonly time: string;
  readonly samples: number;
  readonly processor: string;
  /** Float type of the layers. */
  readonly mode: string;
  /** In the order of the file. One that is listed twice is written twice, and counted twice, as in the original. */
  readonly layers: readonly string[];
}

/** The quantize table that a search writes (search.md 3.2). */
export function printMixedTable({ layers, ...facts }: MixedTable): string {
  const header = quantizeHeader({ ...facts, layers: layers.length });
  return [...header, ...layers.map((name) => `${name} ${facts.mode}`)].map((line) => `${line}\n`).join('');
}
