import { sumChunked, sumLanes64 } from './sums.ts';

const f = Math.fround;

/** Range of what is not NaN, and `NonFinite` bits. */
export function minmax(x: Float32Array): { min: number; max: number; nonFinite: number } {
  let min = Infinity;
  let max = -Infinity;
  let nonFinite = 0;
  for (const v of x) {
    if (Number.isNaN(v)) nonFinite |= 1;
    else if (!Number.isFinite(v)) nonFinite |= 2;
    if (v < min) min = v;
    if (v > max) max = v;
  }
  return { min, max, nonFinite };
}

/** calibration.md 5.1: counts[floor(|x|/width + 0.5)] += 1 in float32, zeros skipped. Returns what fell outside. */
export function histogram(x: Float32Array, width: number, counts: Int32Array): number {
  const w = f(width);
  let outside = 0;
  for (const v of x) {
    if (v === 0) continue;
    const bin = Math.floor(f(f(Math.abs(v) / w) + 0.5));
    if (bin < counts.length) counts[bin] = counts[bin]! + 1;
    else outside++;
  }
  return outside;
}

/** counts[floor(|x| * inverse)] += 1, negative values in the second half of counts, zeros skipped. Returns what fell outside. */
export function histogramHalves(x: Float32Array, inverse: number, counts: Int32Array): number {
  const bins = counts.length / 2;
  let outside = 0;
  for (const v of x) {
    if (v === 0) continue;
    const bin = Math.floor(f(Math.abs(v) * f(inverse)));
    const at = v < 0 ? bins + bin : bin;
    if (bin < bins) counts[at] = counts[at]! + 1;
    else outside++;
  }
  return outside;
}

/** counts[floor((x - lo)/width)] += 1 in float32; the upper end belongs to the last bin. Returns what fell outside. */
export function histogramSigned(x: Float32Array, lo: number, width: number, counts: Int32Array): number {
  let outside = 0;
  for (const v of x) {
    const t = f(f(v - f(lo)) / f(width));
    const bin = t === counts.length ? counts.length - 1 : Math.floor(t);
    if (bin >= 0 && bin < counts.length) counts[bin] = counts[bin]! + 1;
    else outside++;
  }
  return outside;
}

export function moments(x: Float32Array): { sum: number; squares: number; magnitudes: number } {
  return {
    sum: sumChunked(x.length, (i) => x[i]!),
    squares: sumChunked(x.length, (i) => f(x[i]! * x[i]!)),
    magnitudes: sumChunked(x.length, (i) => Math.abs(x[i]!)),
  };
}

/** Sum of |x - m|. */
export function absdev(x: Float32Array, m: number): number {
  return sumChunked(x.length, (i) => Math.abs(f(x[i]! - f(m))));
}

/** Sums of (x - m)^2 and (x - m)^4 in float64. */
export function centralMoments(x: Float32Array, m: number): { second: number; fourth: number } {
  const square = (i: number): number => (x[i]! - m) * (x[i]! - m);
  return { second: sumLanes64(x.length, square), fourth: sumLanes64(x.length, (i) => square(i) * square(i)) };
}

/** One OCTAV step: sum of |x| where |x| > s, and how many there are. */
export function octav(x: Float32Array, s: number): { sum: number; count: number } {
  const above = (i: number): boolean => Math.abs(x[i]!) > f(s);
  return {
    sum: sumLanes64(x.length, (i) => (above(i) ? Math.abs(x[i]!) : 0)),
    count: x.reduce((n, _v, i) => n + (above(i) ? 1 : 0), 0),
  };
}

/** The values below `low` or above `high`, by blocks of 16 while `room` has 16 places free, and how many were looked at. */
export function outside(
  x: Float32Array,
  range: { readonly low: number; readonly high: number },
  room: number,
): { kept: number[]; seen: number } {
  const kept: number[] = [];
  let seen = 0;
  for (; seen < x.length && kept.length + 16 <= room; seen = Math.min(seen + 16, x.length)) {
    for (const v of x.subarray(seen, seen + 16)) if (v < f(range.low) || v > f(range.high)) kept.push(v);
  }
  return { kept, seen };
}

/** A tensor as [outer, channels, inner]. */
export interface ChannelShape {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}

/** The elements of one channel, row by row in the order of `outer`. */
function rowsOf(x: Float32Array, { outer, channels, inner }: ChannelShape, channel: number): Float32Array[] {
  return Array.from({ length: outer }, (_, o) => {
    const from = (o * channels + channel) * inner;
    return x.subarray(from, from + inner);
  });
}

/** `minmax` of every channel. */
export function minmaxChannels(x: Float32Array, shape: ChannelShape): ReturnType<typeof minmax>[] {
  return Array.from({ length: shape.channels }, (_, c) => {
    const ranges = rowsOf(x, shape, c).map(minmax);
    return {
      min: Math.min(...ranges.map(({ min }) => min)),
      max: Math.max(...ranges.map(({ max }) => max)),
      nonFinite: ranges.reduce((bits, { nonFinite }) => bits | nonFinite, 0),
    };
  });
}

/** `histogram` of every channel, each with its own width, into counts [channels, bins]. Returns what fell outside. */
export function histogramChannels(
  x: Float32Array,
  shape: ChannelShape,
  widths: Float32Array,
  counts: Int32Array,
): number {
  const bins = counts.length / shape.channels;
  let outside = 0;
  for (let c = 0; c < shape.channels; c++) {
    const own = counts.subarray(c * bins, (c + 1) * bins);
    for (const row of rowsOf(x, shape, c)) outside += histogram(row, widths[c]!, own);
  }
  return outside;
}

/** `moments` of every channel: the sums of its rows, added in order. */
export function momentsChannels(x: Float32Array, shape: ChannelShape): ReturnType<typeof moments>[] {
  return Array.from({ length: shape.channels }, (_, c) =>
    rowsOf(x, shape, c)
      .map(moments)
      .reduce(
        (sum, row) => ({
          sum: sum.sum + row.sum,
          squares: sum.squares + row.squares,
          magnitudes: sum.magnitudes + row.magnitudes,
        }),
        { sum: 0, squares: 0, magnitudes: 0 },
      ),
  );
}
