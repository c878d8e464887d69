import { CHUNK, laneTotal, loadTail, tailMask } from '../lanes';
import { AffineAway, AffineEven, Candidate, Stored, Symmetric } from './candidate';

/**
 * One pass over reference a and its candidate: six sums, in chunks, added onto the float64 at `out`. The candidate lies at b,
 * or is computed from a with the four parameters and never stored.
 */
function sumPair<T extends Candidate>(
  a: usize, b: usize, n: i32, p: f32, q: f32, lo: f32, hi: f32, out: usize,
): void {
  const candidate = changetype<T>(0);
  const vp = f32x4.splat(p), vq = f32x4.splat(q), vlo = f32x4.splat(lo), vhi = f32x4.splat(hi);
  let ab: f64 = 0, aa: f64 = 0, bb: f64 = 0, dd: f64 = 0, absA: f64 = 0, absD: f64 = 0;
  for (let done = 0; done < n; done += CHUNK) {
    const count = min(CHUNK, n - done);
    let sab = f32x4.splat(0), saa = sab, sbb = sab, sdd = sab, sa = sab, sd = sab;
    for (const end = a + (<usize>(count & ~3) << 2); a < end; a += 16) {
      const va = v128.load(a);
      const vb = candidate.of(va, candidate.isStored() ? v128.load(b) : va, vp, vq, vlo, vhi);
      const d = f32x4.sub(va, vb);
      sab = f32x4.add(sab, f32x4.mul(va, vb));
      saa = f32x4.add(saa, f32x4.mul(va, va));
      sbb = f32x4.add(sbb, f32x4.mul(vb, vb));
      sdd = f32x4.add(sdd, f32x4.mul(d, d));
      sa = f32x4.add(sa, f32x4.abs(va));
      sd = f32x4.add(sd, f32x4.abs(d));
      if (candidate.isStored()) b += 16;
    }
    const rest = count & 3;
    if (rest) {
      // Missing lanes are zeros on both sides and add nothing anywhere.
      const va = loadTail(a, rest);
      const some = candidate.of(va, candidate.isStored() ? loadTail(b, rest) : va, vp, vq, vlo, vhi);
      const vb = v128.and(some, tailMask(rest));
      const d = f32x4.sub(va, vb);
      sab = f32x4.add(sab, f32x4.mul(va, vb));
      saa = f32x4.add(saa, f32x4.mul(va, va));
      sbb = f32x4.add(sbb, f32x4.mul(vb, vb));
      sdd = f32x4.add(sdd, f32x4.mul(d, d));
      sa = f32x4.add(sa, f32x4.abs(va));
      sd = f32x4.add(sd, f32x4.abs(d));
    }
    ab += laneTotal(sab);
    aa += laneTotal(saa);
    bb += laneTotal(sbb);
    dd += laneTotal(sdd);
    absA += laneTotal(sa);
    absD += laneTotal(sd);
  }
  store<f64>(out, load<f64>(out) + ab);
  store<f64>(out, load<f64>(out, 8) + aa, 8);
  store<f64>(out, load<f64>(out, 16) + bb, 16);
  store<f64>(out, load<f64>(out, 24) + dd, 24);
  store<f64>(out, load<f64>(out, 32) + absA, 32);
  store<f64>(out, load<f64>(out, 40) + absD, 40);
}

export function metrics_pair(a: usize, b: usize, n: i32, out: usize): void {
  sumPair<Stored>(a, b, n, 0, 0, 0, 0, out);
}

export function metrics_fakequant_symmetric(x: usize, n: i32, factor: f32, out: usize): void {
  sumPair<Symmetric>(x, 0, n, factor, 0, -128, 127, out);
}

export function metrics_fakequant_affine(
  x: usize, n: i32, scale: f32, zeroPoint: f32, qmin: f32, qmax: f32, rounding: i32, out: usize,
): void {
  if (rounding != 0) sumPair<AffineAway>(x, 0, n, scale, zeroPoint, qmin, qmax, out);
  else sumPair<AffineEven>(x, 0, n, scale, zeroPoint, qmin, qmax, out);
}

export function metrics_max_abs_diff(a: usize, b: usize, n: i32): f32 {
  let top = f32x4.splat(0);
  let nan = i32x4.splat(0);
  for (const end = a + (<usize>(n & ~3) << 2); a < end; a += 16, b += 16) {
    const d = f32x4.abs(f32x4.sub(v128.load(a), v128.load(b)));
    // pmax(top, d) keeps top when d is NaN: one instruction, and NaN is remembered apart.
    top = f32x4.pmax(top, d);
    nan = v128.or(nan, f32x4.ne(d, d));
  }
  const rest = n & 3;
  if (rest) {
    const d = f32x4.abs(f32x4.sub(loadTail(a, rest), loadTail(b, rest)));
    top = f32x4.pmax(top, d);
    nan = v128.or(nan, f32x4.ne(d, d));
  }
  if (v128.any_true(nan)) return NaN;
  return max<f32>(
    max<f32>(f32x4.extract_lane(top, 0), f32x4.extract_lane(top, 1)),
    max<f32>(f32x4.extract_lane(top, 2), f32x4.extract_lane(top, 3)),
  );
}
