import { vexp } from './exp';

// see: Cephes single/ndtrf.c: erf(x) = x*T(x^2) below 1, 1 - e^(-x^2)/x * P(1/x^2) above. P is fitted on 1 <= x <= 2;
// beyond, erfc is so small that its extrapolation error does not reach the last place of erf.
@inline
export function verf(x: v128): v128 {
  const one = f32x4.splat(1);
  const z = f32x4.abs(x);
  const s = f32x4.mul(x, x);
  let t = f32x4.splat(7.853861353153693e-5);
  t = f32x4.add(f32x4.mul(t, s), f32x4.splat(-8.010193625184903e-4));
  t = f32x4.add(f32x4.mul(t, s), f32x4.splat(5.188327685732524e-3));
  t = f32x4.add(f32x4.mul(t, s), f32x4.splat(-2.685381193529856e-2));
  t = f32x4.add(f32x4.mul(t, s), f32x4.splat(1.128358514861418e-1));
  t = f32x4.add(f32x4.mul(t, s), f32x4.splat(-3.761262582423300e-1));
  t = f32x4.add(f32x4.mul(t, s), f32x4.splat(1.128379165726710));
  const near = f32x4.mul(x, t);
  const isNear = f32x4.lt(z, one);
  // Most activations are near zero: e^(-x^2) and the quotient are three quarters of the work.
  if (i32x4.all_true(isNear)) return near;
  const q = f32x4.div(one, z);
  const y = f32x4.mul(q, q);
  let p = f32x4.splat(2.326819970068386e-2);
  p = f32x4.add(f32x4.mul(p, y), f32x4.splat(-1.387039388740657e-1));
  p = f32x4.add(f32x4.mul(p, y), f32x4.splat(3.687424674597105e-1));
  p = f32x4.add(f32x4.mul(p, y), f32x4.splat(-5.824733027278666e-1));
  p = f32x4.add(f32x4.mul(p, y), f32x4.splat(6.210004621745983e-1));
  p = f32x4.add(f32x4.mul(p, y), f32x4.splat(-4.944515323274145e-1));
  p = f32x4.add(f32x4.mul(p, y), f32x4.splat(3.404879937665872e-1));
  p = f32x4.add(f32x4.mul(p, y), f32x4.splat(-2.741127028184656e-1));
  p = f32x4.add(f32x4.mul(p, y), f32x4.splat(5.638259427386472e-1));
  const erfc = f32x4.mul(f32x4.mul(vexp(f32x4.neg(s)), q), p);
  const far = v128.or(f32x4.sub(one, erfc), v128.and(x, i32x4.splat(0x80000000)));
  return v128.bitselect(near, far, isNear);
}
