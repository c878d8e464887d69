// Natural logarithm, four lanes at a time.
import { constant, ones, polynomial } from './constant';

const POLY: usize = memory.data<f32>([
  7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
], 4);

/** The smallest normal number and what lifts those below it; sqrt(1/2); the two parts of ln 2, and infinity. */
const TINY: usize = memory.data<f32>([1.17549435e-38, 8388608], 4); // 2^-126, 2^23
const HALVES: usize = memory.data<f32>([0.707106781186547524, 0.5], 4);
const LN2: usize = memory.data<f32>([-2.12194440e-4, 0.693359375], 4);
const EDGES: usize = memory.data<f32>([-Infinity, NaN, Infinity], 4);
/** Of a float32: the mantissa, the exponent of [0.5, 1), its bias less one, and what `TINY` lifts the exponent by. */
const FIELDS: usize = memory.data<i32>([0x007fffff, 0x3f000000, 126, 23], 4);

/** see: Cephes single/logf.c. log(0) = -Infinity, log(x < 0) = NaN, denormals included. */
@inline
export function vlog(x: v128): v128 {
  const tiny = f32x4.lt(x, constant(TINY, 0));
  const t = v128.bitselect(f32x4.mul(x, constant(TINY, 1)), x, tiny);
  const bits = i32x4.sub(i32x4.shr_u(t, 23), v128.and(tiny, constant(FIELDS, 3)));
  let m = v128.or(v128.and(t, constant(FIELDS, 0)), constant(FIELDS, 1));
  const low = f32x4.lt(m, constant(HALVES, 0));
  // below sqrt(1/2): one binade up, so that m - 1 stays within +-0.42
  const e = f32x4.convert_i32x4_s(i32x4.add(i32x4.sub(bits, constant(FIELDS, 2)), low));
  m = f32x4.sub(f32x4.add(m, v128.and(m, low)), ones());
  const z = f32x4.mul(m, m);
  let y = f32x4.mul(f32x4.mul(polynomial(m, POLY, 8), m), z);
  y = f32x4.add(y, f32x4.mul(e, constant(LN2, 0)));
  y = f32x4.sub(y, f32x4.mul(z, constant(HALVES, 1)));
  const r = f32x4.add(f32x4.add(m, y), f32x4.mul(e, constant(LN2, 1)));
  // Zero answers -Infinity, negatives and NaN answer NaN, infinity answers itself.
  const edge = v128.bitselect(constant(EDGES, 0), constant(EDGES, 1), f32x4.eq(x, f32x4.splat(0)));
  const known = v128.bitselect(r, edge, f32x4.gt(x, f32x4.splat(0)));
  return v128.bitselect(x, known, f32x4.eq(x, constant(EDGES, 2)));
}

/** ln(1 + u) for u in [0, 1]: the rounding of 1 + u is undone by the factor u / ((1 + u) - 1). */
@inline
export function vlog1pUnit(u: v128): v128 {
  const one = ones();
  const w = f32x4.add(one, u);
  const y = f32x4.mul(vlog(w), f32x4.div(u, f32x4.sub(w, one)));
  return v128.bitselect(u, y, f32x4.eq(w, one));
}
