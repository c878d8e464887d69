// Everything the binary exports, family by family. The typed interface is src/exports.ts.

/** First byte that static data does not use: where the host's arena starts. */
export function heapBase(): usize {
  return __heap_base;
}

export { f32_conv2d, f32_conv2d_pack, f32_conv2d_packed_bytes, f32_conv2d_scratch_bytes } from './f32-conv/index';
export { f32_gemm, f32_gemm_pack, f32_gemm_packed, f32_gemm_packed_bytes, f32_gemm_scratch_bytes } from './f32-gemm/index';
