// Everything the binary exports, family by family. The typed interface is src/exports.ts.

/** First byte that static data does not use: where the host's arena starts. */
export function heapBase(): usize {
  return __heap_base;
}

export { f32_conv2d, f32_conv2d_pack, f32_conv2d_packed_bytes, f32_conv2d_scratch_bytes } from './f32-conv/index';
export { f32_gemm, f32_gemm_pack, f32_gemm_packed, f32_gemm_packed_bytes, f32_gemm_scratch_bytes } from './f32-gemm/index';
export { bf16_round, f16_round } from './f16/index';
export { lut_x8, lut_x8_x32 } from './lut/index';
export { qs8_add, qs8_mul } from './qs8-binary/index';
export { qs8_conv2d, qs8_conv2d_pack, qs8_conv2d_packed_bytes, qs8_conv2d_scratch_bytes } from './qs8-conv/index';
export { qs8_gemm, qs8_gemm_pack, qs8_gemm_packed_bytes, qs8_gemm_scratch_bytes } from './qs8-gemm/index';
