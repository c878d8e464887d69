// Constants of vector loops come from memory. Of a literal an engine makes a vector anew at every use, in three instructions of which
// two want the one port that shuffles: a polynomial then waits for its coefficients. A broadcast load is one instruction.

/** Entry `index` of a table of four-byte numbers, in all four lanes. */
@inline
export function constant(table: usize, index: i32): v128 {
  return v128.load32_splat(table + (<usize>index << 2));
}

/** A step of Horner's rule: p*x + table[index]. */
@inline
function horner(p: v128, x: v128, table: usize, index: i32): v128 {
  return f32x4.add(f32x4.mul(p, x), constant(table, index));
}

/** A polynomial of up to eighth degree, its coefficients from the highest on; a literal degree leaves no test behind. */
@inline
export function polynomial(x: v128, table: usize, degree: i32): v128 {
  let p = horner(constant(table, 0), x, table, 1);
  if (degree > 1) p = horner(p, x, table, 2);
  if (degree > 2) p = horner(p, x, table, 3);
  if (degree > 3) p = horner(p, x, table, 4);
  if (degree > 4) p = horner(p, x, table, 5);
  if (degree > 5) p = horner(p, x, table, 6);
  if (degree > 6) p = horner(p, x, table, 7);
  if (degree > 7) p = horner(p, x, table, 8);
  return p;
}

const ONE: usize = memory.data<f32>([1], 4);
const SIGN_BIT: usize = memory.data<i32>([0x80000000], 4);

@inline
export function ones(): v128 {
  return constant(ONE, 0);
}

/** All four sign bits. */
@inline
export function signBits(): v128 {
  return constant(SIGN_BIT, 0);
}
