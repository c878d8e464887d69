/** Mean squared error of two equally long signals, summed in index order. */
export function meanSquaredError(left: ArrayLike<number>, right: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < left.length; i++) {
    const difference = left[i]! - right[i]!;
    sum += difference * difference;
  }
  return sum / left.length;
}

/**
 * Peak signal-to-noise ratio in decibels: 10 · log10(peak² / MSE); Infinity for equal signals.
 *
 * @param peak Largest value that a sample can take: 1 for images in 0..1, 255 for bytes.
 */
export function psnr(left: ArrayLike<number>, right: ArrayLike<number>, peak: number): number {
  return 10 * Math.log10((peak * peak) / meanSquaredError(left, right));
}
