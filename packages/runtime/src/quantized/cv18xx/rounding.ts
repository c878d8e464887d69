import type { RunOp } from '../../implementation.ts';
import type { TensorSlot } from '../../slot.ts';

/** True for the processors whose numbers this folder defines. */
export function isCv18xx(chip: string): boolean {
  return chip.startsWith('cv18') && chip !== 'cv186x';
}

/**
 * Rounds f32 values to bfloat16 where they are, as `cvBf16Bits` of `@q/ir` does: nearest even by a 32-bit add, and
 * +0x7F7F for every result with exponent 255.
 */
export function roundInPlace(bits: Uint32Array): void {
  for (let i = 0; i < bits.length; i++) {
    const value = bits[i]!;
    const top = ((value + 0x7fff + ((value >>> 16) & 1)) >>> 0) >>> 16;
    bits[i] = ((top & 0x7f80) === 0x7f80 ? 0x7f7f : top) << 16;
  }
}

/** The memory of a slot as raw 32-bit words. */
function wordsOf(slot: TensorSlot): Uint32Array {
  const floats = slot.f32();
  return new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
}

/** `run`, then its result as bfloat16. */
export function roundedToBf16(y: TensorSlot, run: RunOp): RunOp {
  return () => {
    run();
    roundInPlace(wordsOf(y));
  };
}
