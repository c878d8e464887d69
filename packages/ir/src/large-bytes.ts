const PAGE_BYTES = 65536;
const MAX_PAGES = 65536;

/** Below this size the allocator of plain buffers takes memory from what it has, and keeps it. */
const SMALL_BYTES = 2 * PAGE_BYTES;

/**
 * Zeroed bytes for something large that does not live as long as the process: the content of a model file, weights on their
 * way into a session. The operating system gets them back when they are collected, and the process stays as it was.
 *
 * Plain buffers come from the C library. Once one of up to 32 MiB has been freed, glibc gives freed memory back only beyond
 * twice that size, and serves later buffers from what it kept: the process stays megabytes larger. A WebAssembly memory is
 * mapped and unmapped for itself, and its buffer is an ordinary one, except that it cannot change hands: what is posted to a
 * worker is a copy.
 */
export function largeBytes(byteLength: number): Uint8Array<ArrayBuffer> {
  const pages = Math.ceil(byteLength / PAGE_BYTES);
  if (byteLength >= SMALL_BYTES && pages <= MAX_PAGES) {
    try {
      return new Uint8Array(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer, 0, byteLength);
    } catch {
      // Where address space is scarce, or WebAssembly is switched off, a plain buffer will do.
    }
  }
  return new Uint8Array(byteLength);
}
