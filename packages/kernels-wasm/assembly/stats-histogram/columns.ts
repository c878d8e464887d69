// Counting with four columns: lane i of every vector counts in column i, so that four equal values, or a tensor full of zeros,
// do not wait for one another's stores. Columns are 16 bits wide: two thousand bins take half of a first-level cache.

/** Slots of the table, those for what lies outside included. */
export const COLUMN_SLOTS: i32 = 8192;
/** Vectors after which a 16-bit column could overflow. */
export const COLUMN_VECTORS: i32 = 65535;

/** Four 16-bit counts per slot. All zeros between calls. */
const COLUMNS: usize = memory.data(65536, 16);
/**
 * Added to a whole number i below 2^13, 2^20 leaves the byte offset of slot i in the low 16 bits: the last place is worth an
 * eighth, and a slot takes eight bytes.
 */
const TO_OFFSET: f32 = 1048576;

/** Adds 1 in the slot behind each lane's place: whole numbers in -1..COLUMN_SLOTS-2, as float32. */
@inline
export function countColumns(place: v128): void {
  const at = f32x4.add(place, f32x4.splat(TO_OFFSET + 1));
  const low = i64x2.extract_lane(at, 0), high = i64x2.extract_lane(at, 1);
  let p = <usize>low & 0xffff;
  store<u16>(p, load<u16>(p, COLUMNS) + 1, COLUMNS);
  p = <usize>(<u64>low >> 32) & 0xffff;
  store<u16>(p, load<u16>(p, COLUMNS + 2) + 1, COLUMNS + 2);
  p = <usize>high & 0xffff;
  store<u16>(p, load<u16>(p, COLUMNS + 4) + 1, COLUMNS + 4);
  p = <usize>(<u64>high >> 32) & 0xffff;
  store<u16>(p, load<u16>(p, COLUMNS + 6) + 1, COLUMNS + 6);
}

/** Adds the columns of slots from..from+bins-1 to `counts` and leaves zeros. */
export function gatherColumns(from: i32, bins: i32, counts: usize): void {
  const none = i32x4.splat(0);
  let at = COLUMNS + (<usize>from << 3);
  let i = 0;
  for (; i + 4 <= bins; i += 4) {
    const a = i32x4.extadd_pairwise_i16x8_u(v128.load(at));
    const b = i32x4.extadd_pairwise_i16x8_u(v128.load(at, 16));
    v128.store(at, none);
    v128.store(at, none, 16);
    const own = i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7));
    v128.store(counts, i32x4.add(v128.load(counts), own));
    at += 32;
    counts += 16;
  }
  for (; i < bins; i++, at += 8, counts += 4) store<i32>(counts, load<i32>(counts) + takeSlotAt(at));
}

/** The count of one slot, which is left zero. */
export function takeSlot(slot: i32): i32 {
  return takeSlotAt(COLUMNS + (<usize>slot << 3));
}

@inline
function takeSlotAt(at: usize): i32 {
  const count = <i32>load<u16>(at) + <i32>load<u16>(at, 2) + <i32>load<u16>(at, 4) + <i32>load<u16>(at, 6);
  store<u64>(at, 0);
  return count;
}
