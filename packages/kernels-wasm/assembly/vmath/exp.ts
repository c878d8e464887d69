// e^x and what is built on it, four lanes at a time. No Math.*: the same bits on every engine.

/** 2^n for whole n in [-126, 127]. */
@inline
function pow2(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

// see: Cephes single/expf.c; ln 2 is split so that n*LN2_HI is exact
const LOG2E: f32 = 1.44269504088896341;
const LN2_HI: f32 = 0.693359375;
const LN2_LO: f32 = -2.12194440e-4;

/** (e^r - 1 - r) / r^2 on [-ln2/2, ln2/2]. see: Cephes single/expf.c */
@inline
function expPoly(r: v128): v128 {
  let p = f32x4.splat(1.9875691500e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  return f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
}

@inline
function reduce(x: v128, n: v128): v128 {
  const r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(LN2_HI)));
  return f32x4.sub(r, f32x4.mul(n, f32x4.splat(LN2_LO)));
}

/** e^x over the whole line, denormal results included; NaN stays NaN. */
@inline
export function vexp(x: v128): v128 {
  // Past these bounds the result is 0 or infinity already; pmax and pmin let NaN through.
  const t = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-104)), f32x4.splat(88.8));
  // Adding 1.5 * 2^23 rounds to a whole number, ties to even, and leaves it as an integer in the low bits: much cheaper
  // than a conversion, which has to saturate.
  const shifted = f32x4.add(f32x4.mul(t, f32x4.splat(LOG2E)), f32x4.splat(12582912));
  const n = f32x4.sub(shifted, f32x4.splat(12582912));
  const r = reduce(t, n);
  const p = f32x4.add(f32x4.add(f32x4.mul(expPoly(r), f32x4.mul(r, r)), r), f32x4.splat(1));
  // Two factors, because 2^n itself may be out of range when the result is not.
  const whole = i32x4.sub(shifted, i32x4.splat(0x4b400000));
  const half = i32x4.shr_s(whole, 1);
  return f32x4.mul(f32x4.mul(p, pow2(half)), pow2(i32x4.sub(whole, half)));
}

/** e^x - 1 for x <= 0 without cancellation. */
@inline
export function vexpm1Negative(x: v128): v128 {
  const t = f32x4.pmax(x, f32x4.splat(-18));
  const n = f32x4.nearest(f32x4.mul(t, f32x4.splat(LOG2E)));
  const r = reduce(t, n);
  const q = f32x4.add(f32x4.mul(expPoly(r), f32x4.mul(r, r)), r);
  const s = pow2(i32x4.trunc_sat_f32x4_s(n));
  return f32x4.add(f32x4.mul(s, q), f32x4.sub(s, f32x4.splat(1)));
}

/** 1 / (1 + e^-x), by e^-|x| so that neither side loses digits. */
@inline
export function vsigmoid(x: v128): v128 {
  const one = f32x4.splat(1);
  const e = vexp(f32x4.neg(f32x4.abs(x)));
  const top = v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0)));
  return f32x4.div(top, f32x4.add(one, e));
}

/** see: Cephes single/tanhf.c */
@inline
export function vtanh(x: v128): v128 {
  const one = f32x4.splat(1);
  const z = f32x4.abs(x);
  const s = f32x4.mul(x, x);
  let p = f32x4.splat(-5.70498872745e-3);
  p = f32x4.add(f32x4.mul(p, s), f32x4.splat(2.06390887954e-2));
  p = f32x4.add(f32x4.mul(p, s), f32x4.splat(-5.37397155531e-2));
  p = f32x4.add(f32x4.mul(p, s), f32x4.splat(1.33314422036e-1));
  p = f32x4.add(f32x4.mul(p, s), f32x4.splat(-3.33332819422e-1));
  const near = f32x4.add(f32x4.mul(f32x4.mul(p, s), x), x);
  const e = vexp(f32x4.add(z, z));
  const far = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(e, one)));
  const signed = v128.or(far, v128.and(x, i32x4.splat(0x80000000)));
  return v128.bitselect(near, signed, f32x4.lt(z, f32x4.splat(0.625)));
}
