import { type ChosenRange, type RangeSearchOptions, searchXquantRange, type TensorHistogram } from '@q/calib';
import type { WorkerTask } from '@q/runtime';

/** One tensor to find the range of. */
export interface RangeMessage {
  readonly tensor: TensorHistogram;
  readonly options: RangeSearchOptions;
}

/** What a worker does with histograms; see `searchRanges`. */
export function createTask(): WorkerTask<RangeMessage, ChosenRange> {
  return { run: ({ tensor, options }) => searchXquantRange(tensor, options) };
}
