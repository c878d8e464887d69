// Softmax over the middle of [outer, axis, inner]. The sum of exponentials is a long sum in chunks when inner is 1, and
// float64 in axis order otherwise.
import { CHUNK, laneTotal, larger, loadSome, loadTail, Plain, storeSome, storeTail, sumChunked, tailMask } from '../lanes';
import { vexpBounded } from '../vmath/exp';
import { vlog } from '../vmath/log';

export function f32_softmax(x: usize, y: usize, outer: i32, axis: i32, inner: i32, beta: f32, log: i32): void {
  const bytes = <usize>(axis * inner) << 2;
  for (let o = 0; o < outer; o++, x += bytes, y += bytes) {
    if (inner == 1) row(x, y, axis, beta, log != 0);
    else for (let i = 0; i < inner; i += 4) columns(x + (<usize>i << 2), y + (<usize>i << 2), axis, inner, min(4, inner - i), beta, log != 0);
  }
}

/** Largest element; NaN if there is one. */
function rowMax(x: usize, n: i32): f32 {
  let acc = f32x4.splat(-Infinity);
  let i = 0;
  for (; i + 4 <= n; i += 4) acc = larger(acc, v128.load(x + (<usize>i << 2)));
  let top = max<f32>(
    max<f32>(f32x4.extract_lane(acc, 0), f32x4.extract_lane(acc, 1)),
    max<f32>(f32x4.extract_lane(acc, 2), f32x4.extract_lane(acc, 3)),
  );
  for (; i < n; i++) top = max<f32>(top, load<f32>(x + (<usize>i << 2)));
  return top;
}

function row(x: usize, y: usize, n: i32, beta: f32, log: bool): void {
  const top = f32x4.splat(rowMax(x, n));
  const scale = f32x4.splat(beta);
  const rest = n & 3;
  const whole = <usize>(n & ~3) << 2;
  if (log) {
    // The exponentials are summed without being stored: in place, x is still needed afterwards.
    let total: f64 = 0;
    for (let done = 0; done < n; done += CHUNK) total += expTotal(x + (<usize>done << 2), min(CHUNK, n - done), top, scale);
    const shift = vlog(f32x4.splat(<f32>total));
    let at: usize = 0;
    for (; at < whole; at += 16) v128.store(y + at, f32x4.sub(f32x4.mul(scale, f32x4.sub(v128.load(x + at), top)), shift));
    if (rest) storeTail(y + at, f32x4.sub(f32x4.mul(scale, f32x4.sub(loadTail(x + at, rest), top)), shift), rest);
    return;
  }
  let at: usize = 0;
  // Four chains of steps side by side: one after the other, the core would wait for each.
  for (; at + 64 <= whole; at += 64) {
    const a = f32x4.mul(scale, f32x4.sub(v128.load(x + at), top)), b = f32x4.mul(scale, f32x4.sub(v128.load(x + at, 16), top));
    const c = f32x4.mul(scale, f32x4.sub(v128.load(x + at, 32), top)), d = f32x4.mul(scale, f32x4.sub(v128.load(x + at, 48), top));
    const ea = vexpBounded(a), eb = vexpBounded(b), ec = vexpBounded(c), ed = vexpBounded(d);
    v128.store(y + at, ea);
    v128.store(y + at, eb, 16);
    v128.store(y + at, ec, 32);
    v128.store(y + at, ed, 48);
  }
  for (; at < whole; at += 16) v128.store(y + at, vexpBounded(f32x4.mul(scale, f32x4.sub(v128.load(x + at), top))));
  if (rest) storeTail(y + at, vexpBounded(f32x4.mul(scale, f32x4.sub(loadTail(x + at, rest), top))), rest);
  const sum = f32x4.splat(<f32>sumChunked<Plain>(y, n, 0));
  for (at = 0; at < whole; at += 16) v128.store(y + at, f32x4.div(v128.load(y + at), sum));
  if (rest) storeTail(y + at, f32x4.div(loadTail(y + at, rest), sum), rest);
}

/** One chunk of the sum of exponentials, in the order of `sumChunked`. */
function expTotal(x: usize, n: i32, top: v128, scale: v128): f64 {
  let acc = f32x4.splat(0);
  let at: usize = 0;
  const whole = <usize>(n & ~3) << 2;
  for (; at < whole; at += 16) acc = f32x4.add(acc, vexpBounded(f32x4.mul(scale, f32x4.sub(v128.load(x + at), top))));
  const rest = n & 3;
  if (rest) {
    const e = vexpBounded(f32x4.mul(scale, f32x4.sub(loadTail(x + at, rest), top)));
    acc = f32x4.add(acc, v128.and(e, tailMask(rest)));
  }
  return laneTotal(acc);
}

/** Up to four neighbouring columns; elements of a column are `inner` apart. */
function columns(x: usize, y: usize, axis: i32, inner: i32, count: i32, beta: f32, log: bool): void {
  const step = <usize>inner << 2;
  const bytes = <usize>axis * step;
  const scale = f32x4.splat(beta);
  let top = f32x4.splat(-Infinity);
  for (let at: usize = 0; at < bytes; at += step) top = larger(top, loadSome(x + at, count));
  let low = f64x2.splat(0), high = f64x2.splat(0);
  for (let at: usize = 0; at < bytes; at += step) {
    const e = vexpBounded(f32x4.mul(scale, f32x4.sub(loadSome(x + at, count), top)));
    low = f64x2.add(low, f64x2.promote_low_f32x4(e));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(e, e, 2, 3, 2, 3)));
    if (!log) storeSome(y + at, e, count);
  }
  const sum = v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
  if (log) {
    const shift = vlog(sum);
    for (let at: usize = 0; at < bytes; at += step) {
      storeSome(y + at, f32x4.sub(f32x4.mul(scale, f32x4.sub(loadSome(x + at, count), top)), shift), count);
    }
  } else {
    for (let at: usize = 0; at < bytes; at += step) storeSome(y + at, f32x4.div(loadSome(y + at, count), sum), count);
  }
}
