// Look-up tables of 256 entries, indexed by the byte of a code (a signed code q < 0 reads entry q + 256).

/** y[i] = table[x[i]], bytes. In place. */
export function lut_x8(x: usize, table: usize, y: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) store<u8>(y + i, load<u8>(table + <usize>load<u8>(x + i)));
}

/** y[i] = table[x[i]] with 4-byte entries (float32 or int32). */
export function lut_x8_x32(x: usize, table: usize, y: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    store<u32>(y + (i << 2), load<u32>(table + (<usize>load<u8>(x + i) << 2)));
  }
}
