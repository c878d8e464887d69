// Everything the binary exports, family by family. The typed interface is src/exports.ts.

/** First byte that static data does not use: where the host's arena starts. */
export function heapBase(): usize {
  return __heap_base;
}

/** 1 where multiplies and adds may be fused: the fast binary. */
export function usesRelaxedSimd(): i32 {
  return ASC_FEATURE_RELAXED_SIMD ? 1 : 0;
}

export { f32_conv2d, f32_conv2d_pack, f32_conv2d_packed_bytes, f32_conv2d_scratch_bytes, f32_conv2d_unary } from './f32-conv/index';
export { f32_winograd, f32_winograd_pack, f32_winograd_packed_bytes, f32_winograd_scratch_bytes } from './f32-winograd/index';
export { f32_gemm, f32_gemm_pack, f32_gemm_packed, f32_gemm_packed_bytes, f32_gemm_packed_unary, f32_gemm_scratch_bytes } from './f32-gemm/index';
export { bf16_round, f16_round } from './f16/index';
export { lut_x8, lut_x8_x32 } from './lut/index';
export { qs8_add, qs8_mul } from './qs8-binary/index';
export { qs8_add_shared, qs8_mul_qdm } from './qs8-binary/cv18xx';
export { qs8_conv2d, qs8_conv2d_pack, qs8_conv2d_packed_bytes, qs8_conv2d_scratch_bytes } from './qs8-conv/index';
export { qs8_gemm, qs8_gemm_pack, qs8_gemm_packed_bytes, qs8_gemm_scratch_bytes } from './qs8-gemm/index';
export { f32_binary, f32_binary_nd, f32_where } from './f32-binary/index';
export { f32_instancenorm, f32_layernorm, f32_rmsnorm } from './f32-norm/index';
export { f32_avgpool2d, f32_maxpool2d, f32_pool2d_scratch_bytes } from './f32-pool/index';
export { f32_argmax, f32_reduce } from './f32-reduce/index';
export { f32_softmax } from './f32-softmax/index';
export { f32_prelu, f32_scale, f32_to_i32, f32_unary, i32_to_f32 } from './f32-unary/index';
export { copy_nd_x32, copy_nd_x8, fill_f32, fill_x32, fill_x8, gather_rows } from './copy/index';
export { f32_deconv2d, f32_deconv2d_pack, f32_deconv2d_packed_bytes, f32_deconv2d_scratch_bytes, f32_deconv2d_unary } from './f32-deconv/index';
export { f32_resize_linear, f32_resize_linear_scratch_bytes, f32_resize_nearest } from './f32-resize/index';
export { fakequant_affine, fakequant_symmetric } from './fakequant/index';
export { metrics_fakequant_affine, metrics_fakequant_symmetric, metrics_max_abs_diff, metrics_pair } from './metrics/index';
export { stats_histogram, stats_histogram_channels, stats_histogram_halves, stats_histogram_signed } from './stats-histogram/index';
export { stats_find_nonfinite, stats_minmax, stats_minmax_channels } from './stats-minmax/index';
export { stats_absdev, stats_central_moments, stats_moments, stats_moments_channels } from './stats-moments/index';
export { stats_octav } from './stats-octav/index';
export { stats_octav_keep, stats_outside } from './stats-select/index';
export { qs8_maxpool2d, qs8_maxpool2d_scratch_bytes } from './qs8-pool/index';
export { f32_to_q8 } from './quantize/index';
export { qs8_finish_pack } from './requant/index';
export { requant_qdm_channels, requant_x32 } from './requant/words';
export { lowered_affine, lowered_normalize } from './lowered/norm';
export { lowered_softmax } from './lowered/softmax';
export { qs8_avgpool2d } from './qs8-pool/average';
export { lowered_active } from './lowered/active';
export { lowered_dequantize, lowered_quantize, lowered_requant_real } from './lowered/casts';
export { qs8_softmax } from './lowered/code-softmax';
export { lowered_interp } from './lowered/interp';
export { lowered_reduce } from './lowered/reduce';
export { cv_bf16_round, cv_bf16_truncate, cv_quantize, cv_requant_f32 } from './cv18xx/bf16';
export { cv_layernorm } from './cv18xx/norm';
export { cv_lut, cv_softmax } from './cv18xx/tables';
export { f32_quantize_linear } from './quantize-linear/index';
export { cv_interp } from './cv18xx/interp';
export { f32_lrn, f32_pixelnorm } from './f32-norm/channels';
export { qs8_binary_nd, select_x8 } from './qs8-broadcast/index';
export { f32_gru, f32_gru_scratch_bytes, f32_lstm, f32_lstm_scratch_bytes } from './f32-recurrent/index';
export { f32_maxpool2d_places } from './f32-pool/places';
export { f32_grid_sample } from './f32-sample/index';
export { gather_elements_x32, scatter_elements } from './indexed/elements';
export { f32_top_k } from './indexed/top-k';
