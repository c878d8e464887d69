// Look-up tables of 256 entries, indexed by the byte of a code (a signed code q < 0 reads entry q + 256). Eight codes at a time:
// counting them one by one is as much work as looking them up.

/** y[i] = table[x[i]], bytes. In place. */
export function lut_x8(x: usize, table: usize, y: usize, n: i32): void {
  const end = x + <usize>(n & ~7);
  for (; x < end; x += 8, y += 8) {
    store<u8>(y, load<u8>(table + <usize>load<u8>(x)));
    store<u8>(y, load<u8>(table + <usize>load<u8>(x, 1)), 1);
    store<u8>(y, load<u8>(table + <usize>load<u8>(x, 2)), 2);
    store<u8>(y, load<u8>(table + <usize>load<u8>(x, 3)), 3);
    store<u8>(y, load<u8>(table + <usize>load<u8>(x, 4)), 4);
    store<u8>(y, load<u8>(table + <usize>load<u8>(x, 5)), 5);
    store<u8>(y, load<u8>(table + <usize>load<u8>(x, 6)), 6);
    store<u8>(y, load<u8>(table + <usize>load<u8>(x, 7)), 7);
  }
  for (let rest = n & 7; rest > 0; rest--, x++, y++) store<u8>(y, load<u8>(table + <usize>load<u8>(x)));
}

/** y[i] = table[x[i]] with 4-byte entries (float32 or int32). */
export function lut_x8_x32(x: usize, table: usize, y: usize, n: i32): void {
  const end = x + <usize>(n & ~7);
  for (; x < end; x += 8, y += 32) {
    store<u32>(y, entry(table, x));
    store<u32>(y, entry(table, x + 1), 4);
    store<u32>(y, entry(table, x + 2), 8);
    store<u32>(y, entry(table, x + 3), 12);
    store<u32>(y, entry(table, x + 4), 16);
    store<u32>(y, entry(table, x + 5), 20);
    store<u32>(y, entry(table, x + 6), 24);
    store<u32>(y, entry(table, x + 7), 28);
  }
  for (let rest = n & 7; rest > 0; rest--, x++, y += 4) store<u32>(y, entry(table, x));
}

@inline
function entry(table: usize, x: usize): u32 {
  return load<u32>(table + (<usize>load<u8>(x) << 2));
}
