import type { PrepareContext } from '../implementation.ts';
import type { Slot } from '../slot.ts';

export interface Filter {
  readonly packed: Slot;
  /** Packs a filter that is computed by the graph; does nothing for weights. */
  refresh(): void;
}

/** Operand 1 as the filter of `f32_conv2d`: channels in and out, rows and columns of the window, groups. */
export function packedFilter(
  context: PrepareContext,
  geometry: readonly [ic: number, oc: number, kernelH: number, kernelW: number, groups: number],
): Filter {
  const { kernels } = context;
  const byteLength = kernels.f32_conv2d_packed_bytes(...geometry);
  const fill = (raw: number, packed: number): void => kernels.f32_conv2d_pack(raw, packed, ...geometry);
  if (context.constant(1) !== undefined) {
    return { packed: context.pack(1, { layout: `f32_conv2d ${geometry}`, byteLength, fill }), refresh() {} };
  }
  const raw = context.input(1);
  const packed = context.scratch(byteLength);
  return { packed, refresh: () => fill(raw.ptr, packed.ptr) };
}
