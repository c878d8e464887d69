import { type ObserverHistogram, searchObserverRange } from './torch-observer-range.ts';

const { fround } = Math;
const UPSAMPLE = 128;
const QUANT_MIN = -128;
const QUANT_MAX = 127;
const EPSILON = 2 ** -23;

/**
 * PyTorch 2.1's `HistogramObserver(dtype=qint8, qscheme=per_tensor_affine)` for one value (calibration.md 6.8): a histogram
 * between the extremes so far; when they move, the old counts are spread over the new bins. It depends on the order of
 * samples. Float32 wherever PyTorch computes in float32.
 */
export class TorchObserver {
  readonly #bins: number;
  #histogram: ObserverHistogram | undefined;

  constructor(bins: number) {
    this.#bins = bins;
  }

  /** Takes in one sample; `min` and `max` are its extremes. */
  observe(data: Float32Array, min: number, max: number): void {
    const known = this.#histogram;
    if (known === undefined || known.min === known.max) {
      this.#histogram = { min, max, counts: equalBins(data, this.#bins, min, max) };
      return;
    }
    const grid = commonGrid(known, Math.min(min, known.min), Math.max(max, known.max), this.#bins);
    const counts = equalBins(data, this.#bins, grid.min, grid.max);
    const same = grid.min === known.min && grid.max === known.max;
    addSpread(counts, known.counts, same ? undefined : grid);
    this.#histogram = { min: grid.min, max: grid.max, counts };
  }

  /** Scale (float32) and zero point of the signed 8-bit codes. */
  parameters(): { readonly scale: number; readonly zeroPoint: number } {
    if (this.#histogram === undefined) return { scale: 1, zeroPoint: 0 };
    const { min, max } = searchObserverRange(this.#histogram);
    const low = Math.min(min, 0);
    const high = Math.max(max, 0);
    const scale = Math.max(fround(fround(high - low) / (QUANT_MAX - QUANT_MIN)), EPSILON);
    const zeroPoint = QUANT_MIN - roundHalfEven(fround(low / scale));
    return { scale, zeroPoint: Math.min(Math.max(zeroPoint, QUANT_MIN), QUANT_MAX) };
  }
}

/** `torch.histc`: equal bins in float32, the upper end in the last one. A range without extent becomes one of width 2. */
function equalBins(data: Float32Array, bins: number, min: number, max: number): Float32Array {
  const counts = new Float64Array(bins);
  const lo = min === max ? fround(min - 1) : min;
  const hi = min === max ? fround(max + 1) : max;
  const extent = fround(hi - lo);
  for (const x of data) {
    if (x < lo || x > hi) continue;
    const at = Math.trunc(fround(fround(fround(x - lo) * bins) / extent));
    counts[Math.min(at, bins - 1)]!++;
  }
  return Float32Array.from(counts);
}

interface Grid {
  readonly min: number;
  readonly max: number;
  /** Fine cells (an old bin has 128 of them) that make a new bin. */
  readonly cells: number;
  /** Fine cells below the first old bin. */
  readonly first: number;
}

/** The range that holds both, widened so that a new bin is a whole number of fine cells. */
function commonGrid(known: ObserverHistogram, min: number, max: number, bins: number): Grid {
  const own = fround(known.max - known.min);
  const both = fround(max - min);
  const cells = Math.ceil(fround(fround(both * UPSAMPLE) / own));
  const excess = fround(fround(fround(cells * own) / UPSAMPLE) - both);
  const below = fround(fround(fround(fround(known.min - min) * bins) * UPSAMPLE) / own);
  return { min, max: fround(max + excess), cells, first: roundHalfEven(below) };
}

/** Adds old counts, spread evenly over their fine cells, to the bins of a grid; as they are without one. */
function addSpread(counts: Float32Array, old: Float32Array, grid: Grid | undefined): void {
  if (grid === undefined) {
    counts.forEach((count, i) => {
      counts[i] = fround(count + old[i]!);
    });
    return;
  }
  const prefix = new Float64Array(old.length + 1);
  for (let i = 0; i < old.length; i++) prefix[i + 1] = prefix[i]! + old[i]!;
  const upTo = (cell: number): number => {
    const inside = Math.min(Math.max(cell - grid.first, 0), old.length * UPSAMPLE);
    const whole = Math.floor(inside / UPSAMPLE);
    return UPSAMPLE * prefix[whole]! + (inside - whole * UPSAMPLE) * (old[whole] ?? 0);
  };
  let before = 0;
  for (let i = 0; i < counts.length; i++) {
    const integral = upTo((i + 1) * grid.cells);
    counts[i] = fround(counts[i]! + fround((integral - before) / UPSAMPLE));
    before = fround(integral);
  }
}

function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
