/** The fused clamp of every kernel: NaN passes through, a value equal to a bound (-0 at 0) stays itself. */
export function clamp(v: number, lo: number, hi: number): number {
  // biome-ignore lint/complexity/useMathMinMax: Math.max(-0, 0) is 0, the vector instruction keeps -0
  const up = v < lo ? lo : v;
  // biome-ignore lint/complexity/useMathMinMax: as above
  return hi < up ? hi : up;
}
