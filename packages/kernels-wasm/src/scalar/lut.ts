/** Where a code looks in a table of 256 entries: negative codes come after the positive ones (numerics.md 7.6). */
export function tableIndex(code: number): number {
  return code < 0 ? code + 256 : code;
}

/** table[code] for every code. */
export function lookUp(codes: ArrayLike<number>, table: ArrayLike<number>): Float64Array {
  return Float64Array.from(codes, (code) => table[tableIndex(code)]!);
}
