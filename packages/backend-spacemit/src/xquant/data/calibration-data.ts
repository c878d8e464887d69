/** Values of one batch by network input name, in the layout of the input's shape. */
export type Batch = ReadonlyMap<string, Float32Array>;

/** Batches to calibrate on, in a fixed order. */
export interface CalibrationData {
  readonly length: number;
  batch(i: number): Promise<Batch>;
}

/** Bytes of prepared tensors that are kept instead of being read and decoded again. */
const CACHE_BYTES = 512 * 2 ** 20;

/** The same data; batches read once stay in memory while there is room (spacemit.md 4.3: the original loads every file anew). */
export function remembered(data: CalibrationData): CalibrationData {
  const kept = new Map<number, Batch>();
  let room = CACHE_BYTES;
  return {
    length: data.length,
    async batch(i) {
      const known = kept.get(i);
      if (known !== undefined) return known;
      const batch = await data.batch(i);
      const bytes = [...batch.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
      if (bytes <= room) {
        kept.set(i, batch);
        room -= bytes;
      }
      return batch;
    },
  };
}
