import type { KernelBinary } from './binary.ts';

/** The browser half of the loader. The `new URL(…, import.meta.url)` form is the one bundlers recognise as an asset. */
export async function readKernelBytes(binary: KernelBinary): Promise<BufferSource> {
  const url =
    binary === 'fast'
      ? new URL('../wasm/kernels-fast.wasm', import.meta.url)
      : new URL('../wasm/kernels.wasm', import.meta.url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href} answered ${response.status}`);
  return response.arrayBuffer();
}
