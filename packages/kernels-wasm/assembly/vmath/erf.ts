import { ones, polynomial, signBits } from './constant';
import { vexpMinus } from './exp';

const NEAR: usize = memory.data<f32>([
  7.853861353153693e-5, -8.010193625184903e-4, 5.188327685732524e-3, -2.685381193529856e-2, 1.128358514861418e-1,
  -3.761262582423300e-1, 1.128379165726710,
], 4);
const FAR: usize = memory.data<f32>([
  2.326819970068386e-2, -1.387039388740657e-1, 3.687424674597105e-1, -5.824733027278666e-1, 6.210004621745983e-1,
  -4.944515323274145e-1, 3.404879937665872e-1, -2.741127028184656e-1, 5.638259427386472e-1,
], 4);

// see: Cephes single/ndtrf.c: erf(x) = x*T(x^2) below 1, 1 - e^(-x^2)/x * P(1/x^2) above. P is fitted on 1 <= x <= 2;
// beyond, erfc is so small that its extrapolation error does not reach the last place of erf.
@inline
export function verf(x: v128): v128 {
  const one = ones();
  const z = f32x4.abs(x);
  const s = f32x4.mul(x, x);
  const near = f32x4.mul(x, polynomial(s, NEAR, 6));
  const isNear = f32x4.lt(z, one);
  // Most activations are near zero: e^(-x^2) and the quotient are three quarters of the work.
  if (i32x4.all_true(isNear)) return near;
  const q = f32x4.div(one, z);
  const y = f32x4.mul(q, q);
  const erfc = f32x4.mul(f32x4.mul(vexpMinus(s), q), polynomial(y, FAR, 8));
  const far = v128.or(f32x4.sub(one, erfc), v128.and(x, signBits()));
  return v128.bitselect(near, far, isNear);
}
