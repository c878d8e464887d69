/** Range and size of a histogram of magnitudes. */
export interface HistogramShape {
  readonly bins: number;
  /** Magnitude that the last bin is centred on. */
  readonly range: number;
  /** Counted up whenever everything counted so far is discarded. */
  readonly epoch: number;
  /** Whether `range` is a float32 as observed, or a double that growth computed: numpy subtracts the two differently. */
  readonly observedRange: boolean;
}

/** More bins than this and the histogram starts anew (calibration.md 5.3). */
export const MAX_BINS = 8_000_000;

/** Width of a bin; bin i covers the magnitudes nearest to i * width (calibration.md 5.1). */
export function widthOf({ bins, range }: HistogramShape): number {
  return range / (bins - 1);
}

/** The histogram of the first sample with a non-zero value (calibration.md 5.2). */
export function firstShape(absMax: number, initialBins: number): HistogramShape {
  return { bins: initialBins, range: absMax, epoch: 0, observedRange: true };
}

/**
 * The histogram after a sample whose running absolute maximum is `absMax` (calibration.md 5.3). It depends on running
 * maxima only, never on counts, so a coordinator can derive it while others count.
 */
export function nextShape(shape: HistogramShape, absMax: number, initialBins: number): HistogramShape {
  const { bins, range, epoch } = shape;
  if (absMax <= range) return shape;
  const step = range / bins;
  const excess = shape.observedRange ? Math.fround(absMax - range) : absMax - range;
  const added = floorDivide(excess, step) + 1;
  if (bins + added > MAX_BINS) return { ...firstShape(absMax, initialBins), epoch: epoch + 1 };
  return { bins: bins + added, range: added * step + range, epoch, observedRange: false };
}

/** numpy's `a // b` of positive doubles: from the exact remainder, so that rounding of a / b cannot lift the result. */
function floorDivide(a: number, b: number): number {
  const quotient = (a - (a % b)) / b;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}
