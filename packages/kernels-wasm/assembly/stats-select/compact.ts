// Keeping the chosen lanes of a vector, packed together in their order.

/** For each set of four lanes the byte order that moves them to the front; the rest is zeros. */
const ORDERS: usize = memory.data<u8>([
  128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
  0, 1, 2, 3, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
  4, 5, 6, 7, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
  0, 1, 2, 3, 4, 5, 6, 7, 128, 128, 128, 128, 128, 128, 128, 128,
  8, 9, 10, 11, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
  0, 1, 2, 3, 8, 9, 10, 11, 128, 128, 128, 128, 128, 128, 128, 128,
  4, 5, 6, 7, 8, 9, 10, 11, 128, 128, 128, 128, 128, 128, 128, 128,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 128, 128, 128, 128,
  12, 13, 14, 15, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
  0, 1, 2, 3, 12, 13, 14, 15, 128, 128, 128, 128, 128, 128, 128, 128,
  4, 5, 6, 7, 12, 13, 14, 15, 128, 128, 128, 128, 128, 128, 128, 128,
  0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 128, 128, 128, 128,
  8, 9, 10, 11, 12, 13, 14, 15, 128, 128, 128, 128, 128, 128, 128, 128,
  0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 128, 128, 128, 128,
  4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 128, 128, 128, 128,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
], 16);

/** The byte order that moves a set of four lanes to the front. */
@inline
export function laneOrder(lanes: i32): v128 {
  return v128.load(ORDERS + (<usize>lanes << 4));
}

/** Writes the lanes of `v` whose bit is set to `to`, and sixteen bytes in all; answers the address behind the kept lanes. */
@inline
export function keepLanes(to: usize, v: v128, lanes: i32): usize {
  v128.store(to, v128.swizzle(v, laneOrder(lanes)));
  return to + (<usize>popcnt(lanes) << 2);
}

/** The same of at most three lanes, writing no more than those. */
@inline
export function keepTail(to: usize, v: v128, lanes: i32): usize {
  for (let lane = 0; lane < 3; lane++, v = v128.shuffle<i32>(v, v, 1, 2, 3, 0)) {
    if (lanes & (1 << lane)) {
      v128.store32_lane(to, v, 0);
      to += 4;
    }
  }
  return to;
}
