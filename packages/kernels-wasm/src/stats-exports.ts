/** Statistics, error metrics and fake quantization. Conventions are those of `KernelExports`. */
export interface StatsKernels {
  // Sums in float64 "in chunks": 4 float32 lanes (element i in lane i mod 4) over chunks of 1024 elements, the lanes
  // added as (0+1)+(2+3) in float64, chunk totals added in float64 in order.

  /**
   * out[0] = min, out[1] = max (float32) over what is not NaN (infinities count); +Infinity, -Infinity when there is
   * nothing. Returns `NonFinite` bits: 1 NaN present, 2 infinity present.
   */
  stats_minmax(x: number, n: number, out: number): number;
  /**
   * `stats_minmax` per channel over [outer, channels, inner]: out is float32[2 * channels], min and max of channel c at 2c
   * and 2c + 1. Returns the `NonFinite` bits of all.
   */
  stats_minmax_channels(x: number, outer: number, channels: number, inner: number, out: number): number;
  /** Position of the first NaN or infinity, or -1. */
  stats_find_nonfinite(x: number, n: number): number;
  /**
   * counts[i] += 1 for i = floor(|x| / width + 0.5) in float32, zeros skipped (calibration.md 5.1: width = A/(bins-1)
   * rounded to float32 by the caller). counts is int32[bins], accumulated. Returns how many non-zero elements fell
   * outside 0..bins-1 (or are NaN) and were not counted. 1 <= bins <= 2^22, here and below.
   */
  stats_histogram(x: number, n: number, width: number, bins: number, counts: number): number;
  /**
   * `stats_histogram` per channel over [outer, channels, inner]: widths float32[channels], counts int32[channels * bins].
   * Returns the uncounted of all.
   */
  stats_histogram_channels(
    x: number,
    outer: number,
    channels: number,
    inner: number,
    widths: number,
    bins: number,
    counts: number,
  ): number;
  /**
   * Both signs apart: bin floor(|x| * inverse), zeros skipped. counts is int32[2 * bins], accumulated: the positive values,
   * then the negative ones. With `inverse` a power of two the bins nest exactly. Returns how many non-zero elements fell
   * outside (or are NaN) and were not counted.
   */
  stats_histogram_halves(x: number, n: number, inverse: number, bins: number, counts: number): number;
  /** Signed: bin floor((x - lo) / width) in float32; x = lo + bins*width goes to the last bin. Returns the uncounted. */
  stats_histogram_signed(x: number, n: number, lo: number, width: number, bins: number, counts: number): number;
  /** out float64[3]: sum x, sum x^2, sum |x|, in chunks; added onto what `out` holds. */
  stats_moments(x: number, n: number, out: number): void;
  /**
   * `stats_moments` per channel over [outer, channels, inner]: out float64[3 * channels], added onto; each row of `inner`
   * elements in chunks, rows in the order of `outer`.
   */
  stats_moments_channels(x: number, outer: number, channels: number, inner: number, out: number): void;
  /**
   * One OCTAV step. out float64[2] (overwritten): sum of |x| where |x| > s, and count of |x| > s. float64 lanes
   * (element i in lane i mod 4), added as (0+1)+(2+3). With s = 0 it gives the start value's sum and count.
   */
  stats_octav(x: number, n: number, s: number, out: number): void;
  /**
   * `stats_octav`, s >= 0, that also writes the |x| > s to `kept`, in their order: room for n floats, or x itself. Returns
   * their count.
   */
  stats_octav_keep(x: number, n: number, s: number, out: number, kept: number): number;
  /**
   * Writes the x < low or x > high to `kept`, in their order, block by block of 16 elements while 16 of its `room` floats
   * are free; the last block may be shorter. out int32[1]: how many elements were looked at. Returns how many were
   * written. room >= 16.
   */
  stats_outside(x: number, n: number, low: number, high: number, kept: number, room: number, out: number): number;
  /** Sum of |x - m|, the difference in float32, in chunks. */
  stats_absdev(x: number, n: number, m: number): number;
  /** out float64[2] (overwritten): sum d^2, sum d^4, with d = (float64)x - m; float64 lanes as stats_octav. */
  stats_central_moments(x: number, n: number, m: number, out: number): void;
  /**
   * a is the reference. out float64[6]: a·b, a·a, b·b, sum (a-b)^2, sum |a|, sum |a-b|, in chunks; added onto what `out`
   * holds. Cosine, SQNR, MSE and L2-over-L1 follow from these.
   */
  metrics_pair(a: number, b: number, n: number, out: number): void;
  /**
   * `metrics_pair` of x and its `fakequant_symmetric`, which is not stored: cosine, SQNR and MSE of a threshold in one pass
   * over x.
   */
  metrics_fakequant_symmetric(x: number, n: number, factor: number, out: number): void;
  /** `metrics_pair` of x and its `fakequant_affine`, which is not stored. */
  metrics_fakequant_affine(
    x: number,
    n: number,
    scale: number,
    zeroPoint: number,
    qmin: number,
    qmax: number,
    rounding: number,
    out: number,
  ): void;
  /** Largest |a - b|; NaN if any difference is. */
  metrics_max_abs_diff(a: number, b: number, n: number): number;

  /**
   * calibration.md 7.4: q = round_half_even(x*factor), clipped to [-128, 127], y = q / factor, float32 throughout;
   * factor = fround(127 / threshold). NaN stays NaN. In place.
   */
  fakequant_symmetric(x: number, y: number, n: number, factor: number): void;
  /**
   * y = (clamp(round(x / scale) + zeroPoint, qmin, qmax) - zeroPoint) * scale, float32 throughout; zeroPoint, qmin, qmax
   * are whole numbers below 2^22, rounding is a `Rounding`. NaN stays NaN. In place.
   */
  fakequant_affine(
    x: number,
    y: number,
    n: number,
    scale: number,
    zeroPoint: number,
    qmin: number,
    qmax: number,
    rounding: number,
  ): void;
}
