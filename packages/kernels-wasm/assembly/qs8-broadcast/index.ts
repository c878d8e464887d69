// Two operands of codes with broadcasting. Definition: src/scalar/qs8-broadcast.ts.

import { CodeOp } from '../op-codes';
import { qdm4 } from '../requant/index';

@inline
function shifted(v: v128, half: v128, shift: i32): v128 {
  return i32x4.shr_s(i32x4.add(v, half), shift);
}

@inline
function lowTerm(p: v128, m: v128, h: v128, s: i32): v128 {
  return shifted(i32x4.mul(i32x4.extend_low_i16x8_s(p), m), h, s);
}

@inline
function highTerm(p: v128, m: v128, h: v128, s: i32): v128 {
  return shifted(i32x4.mul(i32x4.extend_high_i16x8_s(p), m), h, s);
}

@inline
function truth(mask: v128): v128 {
  return v128.and(mask, i16x8.splat(1));
}

/** Eight int16 of each operand to eight int16; m, h and s are multiplier, half and shift of an operand. */
@inline
function combine(p: v128, q: v128, mA: v128, mB: v128, hA: v128, hB: v128, sA: i32, sB: i32): v128 {
  switch (operation) {
    case CodeOp.add: {
      const low = i32x4.add(lowTerm(p, mA, hA, sA), lowTerm(q, mB, hB, sB));
      return i16x8.narrow_i32x4_s(low, i32x4.add(highTerm(p, mA, hA, sA), highTerm(q, mB, hB, sB)));
    }
    case CodeOp.sub: {
      const low = i32x4.sub(lowTerm(p, mA, hA, sA), lowTerm(q, mB, hB, sB));
      return i16x8.narrow_i32x4_s(low, i32x4.sub(highTerm(p, mA, hA, sA), highTerm(q, mB, hB, sB)));
    }
    case CodeOp.addShared: {
      const low = i32x4.add(i32x4.mul(i32x4.extend_low_i16x8_s(p), mA), i32x4.mul(i32x4.extend_low_i16x8_s(q), mB));
      const high = i32x4.add(i32x4.mul(i32x4.extend_high_i16x8_s(p), mA), i32x4.mul(i32x4.extend_high_i16x8_s(q), mB));
      return i16x8.narrow_i32x4_s(shifted(low, hA, sA), shifted(high, hA, sA));
    }
    case CodeOp.mul: {
      const low = shifted(i32x4.mul(i32x4.extmul_low_i16x8_s(p, q), mA), hA, sA);
      return i16x8.narrow_i32x4_s(low, shifted(i32x4.mul(i32x4.extmul_high_i16x8_s(p, q), mA), hA, sA));
    }
    case CodeOp.mulQdm: {
      const shift1 = 31 + min(sA, 0);
      const round = i64x2.splat(<i64>1 << <i64>(shift1 - 1));
      const none = f32x4.splat(0);
      const low = qdm4(i32x4.extmul_low_i16x8_s(p, q), none, mA, round, shift1, max(sA, 0));
      return i16x8.narrow_i32x4_s(low, qdm4(i32x4.extmul_high_i16x8_s(p, q), none, mA, round, shift1, max(sA, 0)));
    }
    case CodeOp.max: return i16x8.max_s(p, q);
    case CodeOp.min: return i16x8.min_s(p, q);
    case CodeOp.equal: return truth(i16x8.eq(p, q));
    case CodeOp.notEqual: return truth(i16x8.ne(p, q));
    case CodeOp.less: return truth(i16x8.lt_s(p, q));
    case CodeOp.lessOrEqual: return truth(i16x8.le_s(p, q));
    case CodeOp.xor: {
      const none = i16x8.splat(0);
      return truth(v128.xor(i16x8.ne(p, none), i16x8.ne(q, none)));
    }
    default: unreachable();
  }
  return p;
}

// What one call does with every row; set by qs8_binary_nd.
let operation: i32 = 0;
let signedA: i32 = 0;
let signedB: i32 = 0;
let zeroPointA: i32 = 0;
let zeroPointB: i32 = 0;
let multiplierA: i32 = 1;
let multiplierB: i32 = 1;
let shiftA: i32 = 0;
let shiftB: i32 = 0;
let zeroPoint: i32 = 0;
let lowest: i32 = 0;
let highest: i32 = 0;

/**
 * y = clamp(op(a, b) + zero) over a plan of `planBroadcast`. Codes lose their zero point first. `add` and `sub` scale each
 * operand by its own multiplier and shift, `mul`, `mulQdm` and `addShared` shift once, by those of a.
 */
export function qs8_binary_nd(
  op: i32, a: usize, aSigned: i32, zeroA: i32, mA: i32, sA: i32, b: usize, bSigned: i32, zeroB: i32, mB: i32, sB: i32,
  y: usize, rank: i32, plan: usize, zero: i32, lo: i32, hi: i32,
): void {
  operation = op;
  signedA = aSigned;
  signedB = bSigned;
  zeroPointA = zeroA;
  zeroPointB = zeroB;
  multiplierA = mA;
  multiplierB = mB;
  shiftA = sA;
  shiftB = sB;
  zeroPoint = zero;
  lowest = lo;
  highest = hi;
  walk(a, b, y, rank, plan, plan + (<usize>rank << 2), plan + (<usize>rank << 3));
}

/** Answers where the next block of the result starts. */
function walk(a: usize, b: usize, y: usize, rank: i32, dims: usize, fromA: usize, fromB: usize): usize {
  const n = load<i32>(dims);
  const stepA = <isize>load<i32>(fromA);
  const stepB = <isize>load<i32>(fromB);
  if (rank == 1) {
    row(a, stepA != 0, b, stepB != 0, y, n);
    return y + n;
  }
  for (let i = 0; i < n; i++) {
    y = walk(a, b, y, rank - 1, dims + 4, fromA + 4, fromB + 4);
    a += stepA;
    b += stepB;
  }
  return y;
}

function row(a: usize, walksA: bool, b: usize, walksB: bool, y: usize, n: i32): void {
  const zA = i16x8.splat(<i16>zeroPointA), zB = i16x8.splat(<i16>zeroPointB);
  const mA = i32x4.splat(multiplierA), mB = i32x4.splat(multiplierB);
  const sA = shiftA, sB = shiftB;
  const hA = i32x4.splat(half(sA)), hB = i32x4.splat(half(sB));
  const z = i16x8.splat(<i16>zeroPoint);
  const low = i16x8.splat(<i16>lowest), high = i16x8.splat(<i16>highest);
  let p = walksA ? zA : i16x8.sub(i16x8.splat(code(a, signedA)), zA);
  let q = walksB ? zB : i16x8.sub(i16x8.splat(code(b, signedB)), zB);
  for (; n > 0; n -= 8) {
    if (walksA) p = i16x8.sub(n < 8 ? some(a, signedA, n) : eight(a, signedA), zA);
    if (walksB) q = i16x8.sub(n < 8 ? some(b, signedB, n) : eight(b, signedB), zB);
    const r = i16x8.add_sat_s(combine(p, q, mA, mB, hA, hB, sA, sB), z);
    const codes = bytesOf(i16x8.min_s(i16x8.max_s(r, low), high));
    if (n < 8) {
      storeBytes(y, codes, n);
      return;
    }
    v128.store64_lane(y, codes, 0);
    a += 8;
    b += 8;
    y += 8;
  }
}

/** The low `n` (1…7) bytes. */
@inline
function storeBytes(y: usize, codes: v128, n: i32): void {
  let rest = i64x2.extract_lane(codes, 0);
  for (; n > 0; n--) {
    store<u8>(y++, <u8>rest);
    rest >>= 8;
  }
}

@inline
function half(shift: i32): i32 {
  return shift > 0 ? 1 << (shift - 1) : 0;
}

@inline
function code(p: usize, signed: i32): i16 {
  return signed ? <i16>load<i8>(p) : <i16>load<u8>(p);
}

@inline
function eight(p: usize, signed: i32): v128 {
  return signed ? v128.load8x8_s(p) : v128.load8x8_u(p);
}

/** The low bytes of eight int16. */
@inline
function bytesOf(v: v128): v128 {
  return v128.shuffle<i8>(v, v, 0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14);
}

/** `n` (1…7) codes, zeros behind them. */
function some(p: usize, signed: i32, n: i32): v128 {
  let bits: u64 = 0;
  for (let i = 0; i < n; i++) bits |= <u64>load<u8>(p + <usize>i) << (<u64>i << 3);
  const v = i64x2.splat(<i64>bits);
  return signed ? i16x8.extend_low_i8x16_s(v) : i16x8.extend_low_i8x16_u(v);
}

/** y = cond != 0 ? a : b, bytes; a step of 0 repeats the first byte. In place. */
export function select_x8(cond: usize, a: usize, aStep: i32, b: usize, bStep: i32, y: usize, n: i32): void {
  let i: usize = 0;
  const end = <usize>n;
  const ones = i8x16.splat(load<i8>(a));
  const others = i8x16.splat(load<i8>(b));
  for (; i + 16 <= end; i += 16) {
    const none = i8x16.eq(v128.load(cond + i), i8x16.splat(0));
    v128.store(y + i, v128.bitselect(bStep ? v128.load(b + i) : others, aStep ? v128.load(a + i) : ones, none));
  }
  for (; i < end; i++) {
    store<u8>(y + i, load<u8>(cond + i) ? load<u8>(a + (aStep ? i : 0)) : load<u8>(b + (bStep ? i : 0)));
  }
}
