// A 1x1 convolution that leaves out inputs that are zero: behind a Relu that is half of them. Lanes are output channels, each
// pixel has a list of what it is not zero in. Leaving out w*0 changes no bit: sums never are -0, unless they begin there, and
// weights are finite, or the dense product is taken.
import { clamp, madd } from '../lanes';
import { laneOrder } from '../stats-select/compact';
import { KC, MR, ZEROS } from '../f32-gemm/tile';

/** Output channels of a tile: eight vectors of sums. */
const TILE: i32 = 32;
const TILE_BYTES: usize = 128;
/** Input channels of a block, a divisor of KC: the weights of a tile (12 KiB) stay in the first-level cache. */
const DEPTH: i32 = 96;
/** A list: values, then where the weights of each are. Whole vectors are written, past the last entry. */
const VALUES_BYTES: usize = <usize>(DEPTH + 4) * 4;
const LIST_BYTES: usize = 2 * VALUES_BYTES;
/** The most pixels of a block, and floats of their sums. */
const MOST_PIXELS: i32 = 128;
const SUM_FLOATS: i32 = 65536;
/** Vectors of the input that tell how many zeros there are, and zeros among them that make lists pay. */
const SAMPLED: i32 = 256;
const WORTHWHILE: i32 = 1024 * 35 / 100;

@inline
function tilesOf(oc: i32): i32 {
  return (oc + TILE - 1) / TILE;
}

/** Pixels of a block: equal blocks, each a multiple of four. */
function blockPixels(pixels: i32, oc: i32): i32 {
  const most = min(MOST_PIXELS, max(52, SUM_FLOATS / (tilesOf(oc) * TILE)) & ~3);
  const blocks = (pixels + most - 1) / most;
  return ((pixels + blocks - 1) / blocks + 3) & ~3;
}

/** Can zeros be left out at all? Few pixels and few channels do not pay for the lists. */
@inline
function isEligible(k: i32, pixels: i32, oc: i32): bool {
  return pixels >= 16 && k >= 32 && oc >= TILE && tilesOf(oc) * TILE * 4 <= oc * 5;
}

export function zeroSkippingScratchBytes(k: i32, pixels: i32, oc: i32): usize {
  if (!isEligible(k, pixels, oc)) return 0;
  const block = blockPixels(pixels, oc);
  return 2 * TILE_BYTES + <usize>DEPTH * TILE_BYTES + <usize>block * (LIST_BYTES + 4 + <usize>tilesOf(oc) * TILE_BYTES);
}

/** Do some inputs tell that many are zeros? Sums that begin at -0 are the dense product's. */
export function isWorthSkipping(x: usize, bias: usize, k: i32, pixels: i32, oc: i32): bool {
  if (!isEligible(k, pixels, oc)) return false;
  const vectors = k * pixels >> 2;
  const step = <usize>max(1, vectors / SAMPLED) << 4;
  const zero = f32x4.splat(0);
  let zeros = 0;
  for (let i = min(SAMPLED, vectors); i > 0; i--, x += step) zeros += popcnt(i32x4.bitmask(f32x4.eq(v128.load(x), zero)));
  if (zeros < WORTHWHILE) return false;
  if (bias) for (let i = 0; i < oc; i++, bias += 4) if (load<u32>(bias) == 0x80000000) return false;
  return true;
}

/** y[oc, pixels] of weights packed as `f32_conv2d_pack` does. */
export function zeroSkippingPointwise(
  x: usize, weights: usize, bias: usize, y: usize, scratch: usize, k: i32, pixels: i32, oc: i32, lo: f32, hi: f32,
): void {
  const stride = <usize>pixels << 2;
  const block = blockPixels(pixels, oc);
  const start = scratch;
  const tile = start + TILE_BYTES;
  const lists = tile + <usize>DEPTH * TILE_BYTES;
  const ends = lists + <usize>block * LIST_BYTES;
  const sums = ends + (<usize>block << 2);
  const tiles = tilesOf(oc);
  const packedTiles = (oc + MR - 1) / MR;
  const l = f32x4.splat(lo), h = f32x4.splat(hi);
  for (let p = 0; p < pixels; p += block) {
    // The last block may be short of a vector: it begins earlier then.
    const p0 = min(p, pixels - 4);
    const cols = min(block, pixels - p0);
    for (let k0 = 0; k0 < k; k0 += DEPTH) {
      const depth = min(DEPTH, k - k0);
      const first = k0 == 0, last = k0 + depth >= k;
      fillLists(x + <usize>k0 * stride + (<usize>p0 << 2), stride, depth, cols, lists, ends, tile);
      // Packed blocks are KC deep.
      const outer = k0 / KC * KC;
      const packedBytes = <usize>min(KC, k - outer) << 4;
      const packed = weights + (<usize>outer * <usize>packedTiles << 4) + (<usize>(k0 - outer) << 4);
      for (let t = 0; t < tiles; t++) {
        const own = min(TILE / MR, packedTiles - t * (TILE / MR));
        gather(packed + <usize>(t * (TILE / MR)) * packedBytes, packedBytes, own, depth, tile);
        const at = sums + <usize>(t * block) * TILE_BYTES;
        if (first) startOf(bias, oc, t, start);
        sumUp(lists, ends, cols, first ? start : at, first ? 0 : TILE_BYTES, at);
        if (last) flush(at, y + <usize>(t * TILE) * stride + (<usize>p0 << 2), stride, min(TILE, oc - t * TILE), cols, l, h);
      }
    }
  }
}

/** The bias of a tile's channels, zeros behind the last one. */
function startOf(bias: usize, oc: i32, t: i32, to: usize): void {
  const count = bias ? min(TILE, oc - t * TILE) : 0;
  memory.copy(to, bias + (<usize>(t * TILE) << 2), <usize>count << 2);
  memory.fill(to + (<usize>count << 2), 0, TILE_BYTES - (<usize>count << 2));
}

/** Weights [k][32] of a tile from `count` tiles [k][4], zeros behind them. */
function gather(a: usize, step: usize, count: i32, depth: i32, dst: usize): void {
  for (let half = 0; half < 2; half++, dst += 64) {
    let a0 = half * 4 < count ? a : 0, a1 = half * 4 + 1 < count ? a + step : 0;
    let a2 = half * 4 + 2 < count ? a + 2 * step : 0, a3 = half * 4 + 3 < count ? a + 3 * step : 0;
    a += 4 * step;
    let to = dst;
    if (a3) {
      for (let i = 0; i < depth; i++, to += TILE_BYTES) {
        v128.store(to, v128.load(a0));
        v128.store(to, v128.load(a1), 16);
        v128.store(to, v128.load(a2), 32);
        v128.store(to, v128.load(a3), 48);
        a0 += 16; a1 += 16; a2 += 16; a3 += 16;
      }
      continue;
    }
    for (let i: usize = 0; i < <usize>depth; i++, to += TILE_BYTES) {
      v128.store(to, v128.load(a0 ? a0 + (i << 4) : ZEROS));
      v128.store(to, v128.load(a1 ? a1 + (i << 4) : ZEROS), 16);
      v128.store(to, v128.load(a2 ? a2 + (i << 4) : ZEROS), 32);
      v128.store(to, v128.load(ZEROS), 48);
    }
  }
}

/** Appends the lanes that are not zero, and their addresses; answers the end of the list. */
@inline
function append(end: usize, v: v128, addresses: v128): usize {
  const lanes = i32x4.bitmask(f32x4.ne(v, f32x4.splat(0)));
  const order = laneOrder(lanes);
  v128.store(end, v128.swizzle(v, order));
  v128.store(end, v128.swizzle(addresses, order), VALUES_BYTES);
  return end + (<usize>popcnt(lanes) << 2);
}

@inline
function appendOne(end: usize, value: f32, place: usize): usize {
  store<f32>(end, value);
  store<usize>(end, place, VALUES_BYTES);
  return value != 0 ? end + 4 : end;
}

/** The list of every pixel of a block, four pixels at a time; the last four may overlap those before. */
function fillLists(x: usize, stride: usize, depth: i32, cols: i32, lists: usize, ends: usize, tile: usize): void {
  for (let g = 0; g < cols; g += 4) {
    const at = <usize>min(g, cols - 4);
    fillFour(x + (at << 2), stride, depth, lists + at * LIST_BYTES, ends + (at << 2), tile);
  }
}

function fillFour(from: usize, stride: usize, depth: i32, list: usize, ends: usize, tile: usize): void {
  let e0 = list, e1 = e0 + LIST_BYTES, e2 = e1 + LIST_BYTES, e3 = e2 + LIST_BYTES;
  let addresses = i32x4.add(i32x4.splat(<i32>tile), i32x4(0, 128, 256, 384));
  const step = i32x4.splat(512);
  const stop = from + <usize>(depth & ~3) * stride;
  while (from != stop) {
    const a = v128.load(from);
    from += stride;
    const b = v128.load(from);
    from += stride;
    const c = v128.load(from);
    from += stride;
    const d = v128.load(from);
    from += stride;
    const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    e0 = append(e0, v128.shuffle<i64>(ab0, cd0, 0, 2), addresses);
    e1 = append(e1, v128.shuffle<i64>(ab0, cd0, 1, 3), addresses);
    e2 = append(e2, v128.shuffle<i64>(ab1, cd1, 0, 2), addresses);
    e3 = append(e3, v128.shuffle<i64>(ab1, cd1, 1, 3), addresses);
    addresses = i32x4.add(addresses, step);
  }
  for (let i = depth & ~3; i < depth; i++, from += stride) {
    const place = tile + <usize>i * TILE_BYTES;
    e0 = appendOne(e0, load<f32>(from), place);
    e1 = appendOne(e1, load<f32>(from, 4), place);
    e2 = appendOne(e2, load<f32>(from, 8), place);
    e3 = appendOne(e3, load<f32>(from, 12), place);
  }
  store<usize>(ends, e0); store<usize>(ends, e1, 4); store<usize>(ends, e2, 8); store<usize>(ends, e3, 12);
}

/** sums[pixel][32] = start + values * weights of each list; `startStep` is 0 where all pixels start alike. */
function sumUp(lists: usize, ends: usize, cols: i32, start: usize, startStep: usize, sums: usize): void {
  for (; cols > 0; cols--) {
    let r0 = v128.load(start), r1 = v128.load(start, 16), r2 = v128.load(start, 32), r3 = v128.load(start, 48);
    let r4 = v128.load(start, 64), r5 = v128.load(start, 80), r6 = v128.load(start, 96), r7 = v128.load(start, 112);
    const end = load<usize>(ends);
    let s = lists;
    while (s < end) {
      const v = v128.load32_splat(s), w = load<usize>(s, VALUES_BYTES);
      r0 = madd(r0, v, v128.load(w)); r1 = madd(r1, v, v128.load(w, 16));
      r2 = madd(r2, v, v128.load(w, 32)); r3 = madd(r3, v, v128.load(w, 48));
      r4 = madd(r4, v, v128.load(w, 64)); r5 = madd(r5, v, v128.load(w, 80));
      r6 = madd(r6, v, v128.load(w, 96)); r7 = madd(r7, v, v128.load(w, 112));
      s += 4;
      if (s >= end) break;
      const v1 = v128.load32_splat(s), w1 = load<usize>(s, VALUES_BYTES);
      r0 = madd(r0, v1, v128.load(w1)); r1 = madd(r1, v1, v128.load(w1, 16));
      r2 = madd(r2, v1, v128.load(w1, 32)); r3 = madd(r3, v1, v128.load(w1, 48));
      r4 = madd(r4, v1, v128.load(w1, 64)); r5 = madd(r5, v1, v128.load(w1, 80));
      r6 = madd(r6, v1, v128.load(w1, 96)); r7 = madd(r7, v1, v128.load(w1, 112));
      s += 4;
    }
    v128.store(sums, r0); v128.store(sums, r1, 16); v128.store(sums, r2, 32); v128.store(sums, r3, 48);
    v128.store(sums, r4, 64); v128.store(sums, r5, 80); v128.store(sums, r6, 96); v128.store(sums, r7, 112);
    start += startStep;
    sums += TILE_BYTES;
    lists += LIST_BYTES;
    ends += 4;
  }
}

/** y[row][pixel] = clamp(sums[pixel][row]), in squares of four; the last pixels may overlap those before. */
function flush(sums: usize, y: usize, stride: usize, rows: i32, cols: i32, l: v128, h: v128): void {
  for (let r = 0; r < rows; r += 4) {
    const valid = rows - r;
    const row = y + <usize>r * stride;
    const from = sums + (<usize>r << 2);
    for (let g = 0; g < cols; g += 4) {
      const at = <usize>min(g, cols - 4);
      const src = from + at * TILE_BYTES;
      const a = v128.load(src), b = v128.load(src, 128), c = v128.load(src, 256), d = v128.load(src, 384);
      const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
      const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
      let to = row + (at << 2);
      v128.store(to, clamp(v128.shuffle<i64>(ab0, cd0, 0, 2), l, h));
      if (valid < 2) continue;
      v128.store(to += stride, clamp(v128.shuffle<i64>(ab0, cd0, 1, 3), l, h));
      if (valid < 3) continue;
      v128.store(to += stride, clamp(v128.shuffle<i64>(ab1, cd1, 0, 2), l, h));
      if (valid < 4) continue;
      v128.store(to + stride, clamp(v128.shuffle<i64>(ab1, cd1, 1, 3), l, h));
    }
  }
}
