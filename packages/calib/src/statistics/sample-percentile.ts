import { percentileRanks } from '../xquant-range/percentile.ts';
import { selectRanks } from '../xquant-range/select-ranks.ts';

/** XQuant's lower percentile of one batch (spacemit.md 8.2). */
export function lowPercentile(data: Float32Array, share: number): number {
  return selectRanks(data, [percentileRanks(data.length, share).low])[0]! + 0;
}

/** The upper one. */
export function highPercentile(data: Float32Array, share: number): number {
  return selectRanks(data, [percentileRanks(data.length, share).high])[0]! + 0;
}
