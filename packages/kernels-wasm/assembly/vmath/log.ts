// Natural logarithm, four lanes at a time.

/** see: Cephes single/logf.c. log(0) = -Infinity, log(x < 0) = NaN, denormals included. */
@inline
export function vlog(x: v128): v128 {
  const one = f32x4.splat(1);
  const tiny = f32x4.lt(x, f32x4.splat(1.17549435e-38)); // 2^-126
  const t = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, tiny); // 2^23
  const bits = i32x4.sub(i32x4.shr_u(t, 23), v128.and(tiny, i32x4.splat(23)));
  let m = v128.or(v128.and(t, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000)); // [0.5, 1)
  const low = f32x4.lt(m, f32x4.splat(0.707106781186547524)); // sqrt(1/2)
  // below sqrt(1/2): one binade up, so that m - 1 stays within +-0.42
  const e = f32x4.convert_i32x4_s(i32x4.add(i32x4.sub(bits, i32x4.splat(126)), low));
  m = f32x4.sub(f32x4.add(m, v128.and(m, low)), one);
  const z = f32x4.mul(m, m);
  let p = f32x4.splat(7.0376836292e-2);
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(-1.1514610310e-1));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(1.1676998740e-1));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(-1.2420140846e-1));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(1.4249322787e-1));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(-1.6668057665e-1));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(2.0000714765e-1));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(-2.4999993993e-1));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(3.3333331174e-1));
  let y = f32x4.mul(f32x4.mul(p, m), z);
  y = f32x4.add(y, f32x4.mul(e, f32x4.splat(-2.12194440e-4)));
  y = f32x4.sub(y, f32x4.mul(z, f32x4.splat(0.5)));
  const r = f32x4.add(f32x4.add(m, y), f32x4.mul(e, f32x4.splat(0.693359375)));
  // Zero answers -Infinity, negatives and NaN answer NaN, infinity answers itself.
  const edge = v128.bitselect(f32x4.splat(-Infinity), f32x4.splat(NaN), f32x4.eq(x, f32x4.splat(0)));
  const known = v128.bitselect(r, edge, f32x4.gt(x, f32x4.splat(0)));
  return v128.bitselect(x, known, f32x4.eq(x, f32x4.splat(Infinity)));
}

/** ln(1 + u) for u in [0, 1]: the rounding of 1 + u is undone by the factor u / ((1 + u) - 1). */
@inline
export function vlog1pUnit(u: v128): v128 {
  const one = f32x4.splat(1);
  const w = f32x4.add(one, u);
  const y = f32x4.mul(vlog(w), f32x4.div(u, f32x4.sub(w, one)));
  return v128.bitselect(u, y, f32x4.eq(w, one));
}
