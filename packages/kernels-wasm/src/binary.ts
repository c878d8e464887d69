/**
 * The two binaries, built from the same sources. `default`: plain SIMD, the same bits on every engine. `fast`: multiplies and
 * adds of float convolutions and matrix products may be fused (relaxed SIMD), so results differ between machines within the
 * budget of ABI.md; every other kernel gives the bits of the default.
 */
export type KernelBinary = 'default' | 'fast';

/** One function of type [] -> [v128]: three zero vectors and `f32x4.relaxed_madd`. */
const RELAXED_MODULE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x13, 0x01, 0x11, 0x00],
  ...[0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f, 0xfd, 0x85, 0x02, 0x0b],
]);

/** Whether this engine can run the fast binary. */
export function supportsFastKernels(): boolean {
  return WebAssembly.validate(RELAXED_MODULE);
}
