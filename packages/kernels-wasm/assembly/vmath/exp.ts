// e^x and what is built on it, four lanes at a time. No Math.*: the same bits on every engine.
import { constant, ones, polynomial, signBits } from './constant';

/** 2^n for whole n in [-126, 127]. */
@inline
function pow2(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

// Past the first two e^x is 0 or infinity in float32 already. see: Cephes single/expf.c; ln 2 is split so that n*LN2_HI is exact
const BOUNDS: usize = memory.data<f32>([-104, 88.8], 4);
const LOG2E: usize = memory.data<f32>([1.44269504088896341], 4);
const LN2: usize = memory.data<f32>([0.693359375, -2.12194440e-4], 4);

/** Adding 1.5 * 2^23 rounds to a whole number, ties to even, and leaves it as an integer in the low bits. */
const ROUNDER: usize = memory.data<f32>([12582912], 4);
/** The bits of that number, and 2 * 127 less. */
const TWO_BIASES: usize = memory.data<i32>([0x4b400000 - 254], 4);

/** see: Cephes single/expf.c */
const POLY: usize = memory.data<f32>([
  1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
], 4);

/** (e^r - 1 - r) / r^2 on [-ln2/2, ln2/2]. */
@inline
function expPoly(r: v128): v128 {
  return polynomial(r, POLY, 5);
}

@inline
function reduce(x: v128, n: v128): v128 {
  const r = f32x4.sub(x, f32x4.mul(n, constant(LN2, 0)));
  return f32x4.sub(r, f32x4.mul(n, constant(LN2, 1)));
}

/** e^x over the whole line, denormal results included; NaN stays NaN. */
@inline
export function vexp(x: v128): v128 {
  return vexpBounded(f32x4.pmin(x, constant(BOUNDS, 1)));
}

/** e^x for x <= 88.8. */
@inline
export function vexpBounded(x: v128): v128 {
  const t = f32x4.pmax(x, constant(BOUNDS, 0)); // lets NaN through, as pmin does
  // Much cheaper than a conversion, which has to saturate.
  const rounder = constant(ROUNDER, 0);
  const shifted = f32x4.add(f32x4.mul(t, constant(LOG2E, 0)), rounder);
  const n = f32x4.sub(shifted, rounder);
  const r = reduce(t, n);
  const p = f32x4.add(f32x4.add(f32x4.mul(expPoly(r), f32x4.mul(r, r)), r), ones());
  // Two factors, because 2^n itself may be out of range when the result is not: their exponents, biased, are halves of n + 254.
  const both = i32x4.sub(shifted, constant(TWO_BIASES, 0));
  const half = i32x4.shr_s(both, 1);
  return f32x4.mul(f32x4.mul(p, i32x4.shl(half, 23)), i32x4.shl(i32x4.sub(both, half), 23));
}

/** e^x - 1 for x <= 0 without cancellation. */
@inline
export function vexpm1Negative(x: v128): v128 {
  const t = f32x4.pmax(x, f32x4.splat(-18));
  const n = f32x4.nearest(f32x4.mul(t, constant(LOG2E, 0)));
  const r = reduce(t, n);
  const q = f32x4.add(f32x4.mul(expPoly(r), f32x4.mul(r, r)), r);
  const s = pow2(i32x4.trunc_sat_f32x4_s(n));
  return f32x4.add(f32x4.mul(s, q), f32x4.sub(s, ones()));
}

/** e^-|x| */
@inline
export function vexpMinus(x: v128): v128 {
  return vexpBounded(v128.or(x, signBits()));
}

/** 1 / (1 + e^-x), by e^-|x| so that neither side loses digits. */
@inline
export function vsigmoid(x: v128): v128 {
  const one = ones();
  const e = vexpMinus(x);
  const top = v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0)));
  return f32x4.div(top, f32x4.add(one, e));
}

/** see: Cephes single/tanhf.c */
const TANH: usize = memory.data<f32>([
  -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1, 2, 0.625,
], 4);

@inline
export function vtanh(x: v128): v128 {
  const one = ones();
  const z = f32x4.abs(x);
  const s = f32x4.mul(x, x);
  const near = f32x4.add(f32x4.mul(f32x4.mul(polynomial(s, TANH, 4), s), x), x);
  const e = vexp(f32x4.add(z, z));
  const far = f32x4.sub(one, f32x4.div(constant(TANH, 5), f32x4.add(e, one)));
  const signed = v128.or(far, v128.and(x, signBits()));
  return v128.bitselect(near, signed, f32x4.lt(z, constant(TANH, 6)));
}
