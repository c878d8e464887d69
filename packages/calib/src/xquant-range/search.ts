import { type ChosenRange, chooseWindow, rangeOf, trivialRange } from './choose.ts';
import { klLoss, mseLoss } from './losses.ts';
import { WindowDivergence } from './prefix-divergence.ts';
import { WindowError } from './prefix-error.ts';
import type { RangeSearchOptions } from './search-by-definition.ts';
import { candidateWindows, type TensorHistogram, WINDOW_STEP } from './window.ts';

/**
 * The range that XQuant's `default`, `kl` or `mse` calibration chooses (spacemit.md 8.3). The windows start and end on
 * multiples of 32 bins, so that sums over them are differences of prefix sums; only the percentile window, which may lie
 * anywhere, is measured bin by bin.
 */
export function searchXquantRange(tensor: TensorHistogram, options: RangeSearchOptions = {}): ChosenRange {
  const { objective = 'default', klMode = 'xslim', limits = {} } = options;
  const trivial = trivialRange(tensor, limits);
  if (trivial !== undefined) return trivial;
  const { counts } = tensor;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const windows = candidateWindows(tensor, limits);
  const error = new WindowError(counts, total);
  const divergence = new WindowDivergence(counts, total);
  const mse = new Float64Array(windows.length);
  const kl = new Float64Array(windows.length);
  windows.forEach(({ start, width }, at) => {
    // Equal windows must have equal losses to the last bit: the order of candidates decides between them.
    const isAligned = start % WINDOW_STEP === 0 && width % WINDOW_STEP === 0 && width > 0;
    mse[at] = isAligned ? error.of(start, width) : mseLoss(counts, start, width, total);
    const isGrouped = isAligned && klMode === 'xslim';
    kl[at] = isGrouped ? divergence.of(start, width) : klLoss(counts, start, width, klMode);
  });
  return rangeOf(windows[chooseWindow({ mse, kl }, objective)]!);
}
