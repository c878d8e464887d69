// e^x, ln, tanh and erf in float64, two lanes at a time, from sums, products and quotients only: the same bits on every
// engine. Definition: src/scalar/double-math.ts.

/** 1.5*2^52: what is added to it is rounded to a whole number, which lands in the low bits. */
const ROUNDER: f64 = 6755399441055744;

/** 2^n for whole n in [-1022, 1023], int64 lanes. */
@inline
function pow2(n: v128): v128 {
  return i64x2.shl(i64x2.add(n, i64x2.splat(1023)), 52);
}

@inline
function step(p: v128, x: v128, c: f64): v128 {
  return f64x2.add(f64x2.mul(p, x), f64x2.splat(c));
}

/** see: Cephes double/exp.c. NaN stays NaN. */
@inline
export function dexp(x: v128): v128 {
  const t = f64x2.pmin(f64x2.pmax(x, f64x2.splat(-746)), f64x2.splat(710));
  const shifted = f64x2.add(f64x2.mul(t, f64x2.splat(1.4426950408889634)), f64x2.splat(ROUNDER));
  const n = f64x2.sub(shifted, f64x2.splat(ROUNDER));
  const high = f64x2.sub(t, f64x2.mul(n, f64x2.splat(6.93145751953125e-1)));
  const r = f64x2.sub(high, f64x2.mul(n, f64x2.splat(1.42860682030941723212e-6)));
  const z = f64x2.mul(r, r);
  let p = step(f64x2.splat(1.26177193074810590878e-4), z, 3.02994407707441961300e-2);
  p = f64x2.mul(step(p, z, 9.99999999999999999910e-1), r);
  let q = step(f64x2.splat(3.00198505138664455042e-6), z, 2.52448340349684104192e-3);
  q = step(step(q, z, 2.27265548208155028766e-1), z, 2);
  const quotient = f64x2.div(p, f64x2.sub(q, p));
  const e = f64x2.add(f64x2.splat(1), f64x2.add(quotient, quotient));
  // Two factors, because 2^n itself may be out of range when the result is not.
  const whole = i64x2.sub(shifted, i64x2.splat(0x4338000000000000));
  const half = i64x2.shr_s(whole, 1);
  return f64x2.mul(f64x2.mul(e, pow2(half)), pow2(i64x2.sub(whole, half)));
}

/** see: fdlibm e_log.c. -Infinity for 0, NaN below. */
@inline
export function dlog(x: v128): v128 {
  const tiny = f64x2.lt(x, f64x2.splat(2.2250738585072014e-308));
  const scaled = v128.bitselect(f64x2.mul(x, f64x2.splat(18014398509481984)), x, tiny);
  // x = 2^k * m with m from sqrt(1/2) to sqrt(2).
  const bits = i64x2.add(scaled, i64x2.splat(0x3ff0000000000000 - 0x3fe6a09e00000000));
  const exponent = i64x2.sub(i64x2.shr_s(bits, 52), i64x2.splat(1023));
  const low = v128.shuffle<i32>(exponent, exponent, 0, 2, 0, 2);
  const k = f64x2.sub(f64x2.convert_low_i32x4_s(low), v128.and(f64x2.splat(54), tiny));
  const m = i64x2.add(v128.and(bits, i64x2.splat(0x000fffffffffffff)), i64x2.splat(0x3fe6a09e00000000));
  const f = f64x2.sub(m, f64x2.splat(1));
  const s = f64x2.div(f, f64x2.add(f, f64x2.splat(2)));
  const z = f64x2.mul(s, s);
  let p = step(f64x2.splat(1.479819860511658591e-1), z, 1.531383769920937332e-1);
  p = step(step(p, z, 1.818357216161805012e-1), z, 2.222219843214978396e-1);
  p = step(step(p, z, 2.857142874366239149e-1), z, 3.999999999940941908e-1);
  p = f64x2.mul(step(p, z, 6.666666666666735130e-1), z);
  const half = f64x2.mul(f64x2.mul(f, f), f64x2.splat(0.5));
  const near = f64x2.add(f64x2.mul(s, f64x2.add(half, p)), f64x2.mul(k, f64x2.splat(1.90821492927058770002e-10)));
  const sum = f64x2.add(f64x2.sub(near, half), f);
  const result = f64x2.add(sum, f64x2.mul(k, f64x2.splat(6.93147180369123816490e-1)));
  const infinity = f64x2.splat(Infinity);
  let r = v128.bitselect(infinity, result, f64x2.eq(x, infinity));
  r = v128.bitselect(f64x2.splat(-Infinity), r, f64x2.eq(x, f64x2.splat(0)));
  return v128.bitselect(r, f64x2.splat(NaN), f64x2.ge(x, f64x2.splat(0)));
}

/** see: Cephes double/tanh.c */
@inline
export function dtanh(x: v128): v128 {
  const z = f64x2.abs(x);
  const s = f64x2.mul(x, x);
  let p = step(f64x2.splat(-9.64399179425052238628e-1), s, -9.92877231001918586564e1);
  p = step(p, s, -1.61468768441708447952e3);
  let q = step(f64x2.add(s, f64x2.splat(1.12811678491632931402e2)), s, 2.23548839060100448583e3);
  q = step(q, s, 4.84406305325125486048e3);
  const near = f64x2.add(x, f64x2.mul(f64x2.mul(x, s), f64x2.div(p, q)));
  const e = dexp(f64x2.add(z, z));
  const far = f64x2.sub(f64x2.splat(1), f64x2.div(f64x2.splat(2), f64x2.add(e, f64x2.splat(1))));
  const signed = v128.or(far, v128.and(x, i64x2.splat(i64.MIN_VALUE)));
  return v128.bitselect(near, signed, f64x2.lt(z, f64x2.splat(0.625)));
}

/** see: Cephes double/ndtr.c; beyond 1 it is 1 - erfc, so that 1 + erf(x) keeps what 53 bits hold of it. */
@inline
export function derf(x: v128): v128 {
  const s = f64x2.mul(x, x);
  let p = step(f64x2.splat(9.60497373987051638749), s, 9.00260197203842689217e1);
  p = step(step(p, s, 2.23200534594684319226e3), s, 7.00332514112805075473e3);
  p = step(p, s, 5.55923013010394962768e4);
  let q = step(f64x2.add(s, f64x2.splat(3.35617141647503099647e1)), s, 5.21357949780152679795e2);
  q = step(step(q, s, 4.59432382970980127987e3), s, 2.26290000613890934246e4);
  q = step(q, s, 4.92673942608635921086e4);
  const near = f64x2.div(f64x2.mul(x, p), q);
  // From 6 on, erf is 1 in float64.
  const z = f64x2.pmin(f64x2.abs(x), f64x2.splat(6));
  let t = step(f64x2.splat(2.46196981473530512524e-10), z, 5.64189564831068821977e-1);
  t = step(step(t, z, 7.46321056442269912687), z, 4.86371970985681366614e1);
  t = step(step(t, z, 1.96520832956077098242e2), z, 5.26445194995477358631e2);
  t = step(step(t, z, 9.34528527171957607540e2), z, 1.02755188689515710272e3);
  t = step(t, z, 5.57535335369399327526e2);
  let u = step(f64x2.add(z, f64x2.splat(1.32281951154744992508e1)), z, 8.67072140885989742329e1);
  u = step(step(u, z, 3.54937778887819891062e2), z, 9.75708501743205489753e2);
  u = step(step(u, z, 1.82390916687909736289e3), z, 2.24633760818710981792e3);
  u = step(step(u, z, 1.65666309194161350182e3), z, 5.57535340817727675546e2);
  const tail = f64x2.div(f64x2.mul(dexp(f64x2.neg(f64x2.mul(z, z))), t), u);
  const far = f64x2.sub(f64x2.splat(1), tail);
  const signed = v128.or(far, v128.and(x, i64x2.splat(i64.MIN_VALUE)));
  return v128.bitselect(near, signed, f64x2.lt(f64x2.abs(x), f64x2.splat(1)));
}
