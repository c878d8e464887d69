import { type ChosenRange, chooseWindow, type RangeObjective, rangeOf, trivialRange } from './choose.ts';
import { type KlMode, klLoss, mseLoss } from './losses.ts';
import { candidateWindows, type RangeLimits, type TensorHistogram } from './window.ts';

export interface RangeSearchOptions {
  /** Default `default`. */
  readonly objective?: RangeObjective;
  /** Default `xslim`. */
  readonly klMode?: KlMode;
  readonly limits?: RangeLimits;
}

/**
 * The range that XQuant's `default`, `kl` or `mse` calibration chooses (spacemit.md 8.3), computed as it is written there: both
 * losses of some 7 400 windows over 4096 bins each. `searchXquantRange` finds the same window from prefix sums.
 */
export function searchXquantRangeByDefinition(tensor: TensorHistogram, options: RangeSearchOptions = {}): ChosenRange {
  const { objective = 'default', klMode = 'xslim', limits = {} } = options;
  const trivial = trivialRange(tensor, limits);
  if (trivial !== undefined) return trivial;
  const { counts } = tensor;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const windows = candidateWindows(tensor, limits);
  const mse = Float64Array.from(windows, ({ start, width }) => mseLoss(counts, start, width, total));
  const kl = Float64Array.from(windows, ({ start, width }) => klLoss(counts, start, width, klMode));
  return rangeOf(windows[chooseWindow({ mse, kl }, objective)]!);
}
