import { QError } from './errors.ts';
import { readNpy, writeNpy } from './npy.ts';
import type { Tensor } from './tensor.ts';
import { readZip, writeZip, type ZipLimits } from './zip.ts';

/**
 * Reads a `.npz` archive: array name → tensor, in the archive's order. Entries that are not `.npy` are skipped.
 *
 * @throws QError `zip.*` for the archive, `npy.*` for an array, `npz.duplicate` for a repeated name
 */
export function readNpz(bytes: Uint8Array, where = 'npz', limits: ZipLimits = {}): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const entry of readZip(bytes, where, limits)) {
    if (!entry.name.endsWith('.npy')) continue;
    const name = entry.name.slice(0, -4);
    if (tensors.has(name)) {
      throw new QError(`${where} holds two arrays of one name.`, { code: 'npz.duplicate', where, found: name });
    }
    tensors.set(name, readNpy(entry.read(), `${where}: ${name}`));
  }
  return tensors;
}

/** Writes a `.npz` archive: stored by default (as `numpy.savez`), deflated with `compress`. Same tensors, same bytes. */
export function writeNpz(tensors: ReadonlyMap<string, Tensor>, options: { compress?: boolean } = {}): Uint8Array {
  return writeZip(
    [...tensors].map(([name, tensor]) => [`${name}.npy`, writeNpy(tensor)] as const),
    options,
  );
}
