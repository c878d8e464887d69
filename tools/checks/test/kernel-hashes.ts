import { loadKernels } from '@q/kernels-wasm';
import { EXPORT_CASES, hashOf } from '../../../packages/kernels-wasm/test/export-cases.ts';

/** Every export of the kernel binary on data that are the same everywhere: a line with its name and a hash each. */
export async function kernelHashes(): Promise<string> {
  const { exports, arena } = await loadKernels();
  return Object.keys(EXPORT_CASES)
    .map((name) => `${name} ${hashOf(name, exports, arena)}`)
    .join('\n');
}
