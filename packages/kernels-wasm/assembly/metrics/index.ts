import { CHUNK, laneTotal, loadSome } from '../lanes';

/** One pass over reference a and candidate b; the sums that every similarity needs. */
export function metrics_pair(a: usize, b: usize, n: i32, out: usize): void {
  let ab: f64 = 0, aa: f64 = 0, bb: f64 = 0, dd: f64 = 0, absA: f64 = 0, absD: f64 = 0;
  for (let done = 0; done < n; done += CHUNK) {
    const count = min(CHUNK, n - done);
    let sab = f32x4.splat(0), saa = sab, sbb = sab, sdd = sab, sa = sab, sd = sab;
    for (let i = 0; i < count; i += 4, a += 16, b += 16) {
      const rest = min(4, count - i);
      // Missing lanes read as zeros on both sides and add nothing anywhere.
      const va = loadSome(a, rest);
      const vb = loadSome(b, rest);
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

export function metrics_max_abs_diff(a: usize, b: usize, n: i32): f32 {
  let top = f32x4.splat(0);
  for (let i = 0; i < n; i += 4, a += 16, b += 16) {
    const rest = min(4, n - i);
    const va = loadSome(a, rest);
    const vb = loadSome(b, rest);
    top = f32x4.max(top, f32x4.abs(f32x4.sub(va, vb)));
  }
  return max<f32>(
    max<f32>(f32x4.extract_lane(top, 0), f32x4.extract_lane(top, 1)),
    max<f32>(f32x4.extract_lane(top, 2), f32x4.extract_lane(top, 3)),
  );
}
