/** The fused clamp of every kernel: NaN passes through, a value equal to a bound stays itself. */
export function clamp(v: number, lo: number, hi: number): number {
  const up = v < lo ? lo : v;
  return hi < up ? hi : up;
}
