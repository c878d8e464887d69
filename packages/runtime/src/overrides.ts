import type { Graph } from '@q/ir';
import { sharingOf } from './assemble.ts';
import type { Feeds } from './feeds.ts';
import type { Heap } from './heap.ts';
import type { TensorSlot } from './slot.ts';
import type { StorageArray } from './storage.ts';

export interface Redirection {
  /** Points every slot back to its planned place and frees the overriding data. */
  restore(): void;
}

/**
 * Puts overriding data into blocks of their own and points the slots of those values, and of views on them, there. Writing
 * them to their planned place could hit another value that shares the buffer (a view's source, an in-place operand).
 */
export function redirectOverrides(
  graph: Graph,
  slots: ReadonlyMap<string, TensorSlot>,
  overrides: Feeds,
  heap: Heap,
): Redirection {
  const planned = new Map<TensorSlot, number>();
  const blocks: number[] = [];
  const redirect = (name: string, ptr: number): void => {
    const slot = slots.get(name)!;
    planned.set(slot, slot.ptr);
    slot.ptr = ptr;
  };
  for (const [name, data] of overrides) {
    const ptr = heap.place(data as StorageArray);
    blocks.push(ptr);
    redirect(name, ptr);
  }
  for (const op of overrides.size === 0 ? [] : graph.ops) {
    const sharing = sharingOf(op, graph);
    const [output] = op.outputs;
    if (sharing.kind !== 'view' || output == null || overrides.has(output)) continue;
    const source = slots.get(op.inputs[sharing.operand] ?? '');
    if (source !== undefined && planned.has(source)) redirect(output, source.ptr);
  }
  return {
    restore() {
      for (const [slot, ptr] of planned) slot.ptr = ptr;
      for (const ptr of blocks) heap.release(ptr);
    },
  };
}
