/** The browser half of the loader. The `new URL(…, import.meta.url)` form is the one bundlers recognise as an asset. */
export async function readKernelBytes(): Promise<BufferSource> {
  const url = new URL('../wasm/kernels.wasm', import.meta.url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href} answered ${response.status}`);
  return response.arrayBuffer();
}
