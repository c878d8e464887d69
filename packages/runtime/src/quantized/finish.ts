import { Finish } from '@q/kernels-wasm';
import type { PrepareContext } from '../implementation.ts';
import type { Slot } from '../slot.ts';

/** How the int32 sums of a layer become codes; one multiplier and shift per channel. */
export interface FinishRequest {
  readonly mode: number;
  /** float32 per channel. */
  readonly bias: Slot | null;
  readonly multiplier: Int32Array;
  readonly rshift: Int32Array;
  /** Bytes of a code. */
  readonly bytes: number;
  readonly codes: readonly [zero: number, lo: number, hi: number];
}

/** The kernels' arguments: the mode, and the addresses that stand for bias, multiplier and shift. */
export interface PreparedFinish {
  readonly mode: number;
  readonly pointers: readonly [bias: number, multiplier: number, rshift: number];
}

/** int32 words of a channel in the table of `Finish.packed`. */
const ENTRY_WORDS = 4;

/** Finds out once, when a layer is prepared, which of its channels the kernels can finish in float32. */
export function prepareFinish(context: PrepareContext, request: FinishRequest): PreparedFinish {
  const { mode, bias, multiplier, rshift, bytes, codes } = request;
  if (mode !== Finish.multiplierShift || bytes !== 1) {
    const pointers = [bias?.ptr ?? 0, context.place(multiplier).ptr, context.place(rshift).ptr] as const;
    return { mode, pointers };
  }
  const channels = multiplier.length;
  const entries = new Int32Array(ENTRY_WORDS * channels);
  const biases = bias === null ? undefined : new Int32Array(context.memory.buffer, bias.ptr, channels);
  for (let channel = 0; channel < channels; channel++) {
    entries.set([biases?.[channel] ?? 0, multiplier[channel]!, rshift[channel]!], ENTRY_WORDS * channel);
  }
  const table = context.place(entries).ptr;
  context.kernels.qs8_finish_pack(table, channels, ...codes);
  return { mode: Finish.packed, pointers: [table, 0, 0] };
}
