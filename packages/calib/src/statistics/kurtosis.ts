/** Kurtosis of one sample from its central moments (calibration.md 6.11); infinite where nothing varies. */
export function kurtosis(variance: number, fourthMoment: number): number {
  const deviation = Math.sqrt(variance);
  return deviation === 0 ? Number.POSITIVE_INFINITY : fourthMoment / (deviation + 1e-8) ** 4;
}
