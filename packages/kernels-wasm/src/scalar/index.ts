/** Scalar definitions of the float kernels: what every fast one is tested against, usable wherever speed does not matter. */

export { copyNd, gatherRows } from './copy.ts';
export { cvAdd, cvMultiply, cvQuantize, cvRequantReal, cvRound, cvTruncate } from './cv18xx-bf16.ts';
export { type CvTaps, cvInterp } from './cv18xx-interp.ts';
export { type CvLayerNorm, type CvSoftmax, cvLayerNorm, cvSoftmax } from './cv18xx-rows.ts';
export { type CvTables, cvLut } from './cv18xx-tables.ts';
export { erf64, exp64, log64, tanh64 } from './double-math.ts';
export { BINARY, type BinaryOptions, binary } from './f32-binary.ts';
export { type Lrn, lrn, pixelnorm } from './f32-channels.ts';
export { type Conv2dShape, conv2d, conv2dOutput } from './f32-conv.ts';
export { type Deconv2dShape, deconv2d, deconv2dOutput } from './f32-deconv.ts';
export { type GemmShape, gemm } from './f32-gemm.ts';
export { instancenorm, layernorm, rmsnorm } from './f32-norm.ts';
export { avgpool2d, type MaxPlaces, maxpool2d, maxpool2dPlaces, type Pool2dShape } from './f32-pool.ts';
export { type GruWeights, gruStep, lstmStep, type RecurrentState } from './f32-recurrent.ts';
export { argmax, reduce } from './f32-reduce.ts';
export { type ResizeShape, resizeLinear, resizeNearest } from './f32-resize.ts';
export { type GridSample, gridSample } from './f32-sample.ts';
export { softmax } from './f32-softmax.ts';
export { prelu, scaleChannels, toInt32, UNARY, unary } from './f32-unary.ts';
export { type WinogradShape, winograd } from './f32-winograd.ts';
export { type AffineQuant, fakequantAffine, fakequantSymmetric } from './fakequant.ts';
export { type ElementIndices, gatherElements, scatterElements, topK } from './indexed.ts';
export { loweredActive } from './lowered-active.ts';
export { type LoweredQuantize, loweredDequantize, loweredQuantize, requantReal } from './lowered-casts.ts';
export { type InterpAxis, loweredInterp } from './lowered-interp.ts';
export { loweredNormalize, type NormRounding, type NormRows } from './lowered-norm.ts';
export { loweredReduce } from './lowered-reduce.ts';
export { loweredSoftmax } from './lowered-softmax.ts';
export { maxAbsDiff, metricsPair } from './metrics.ts';
export { type CodeOperand, type CodePair, codePair } from './qs8-broadcast.ts';
export { type CodeSoftmax, qs8Softmax } from './qs8-softmax.ts';
export { quantizeLinear } from './quantize-linear.ts';
export {
  absdev,
  type ChannelShape,
  centralMoments,
  histogram,
  histogramChannels,
  histogramHalves,
  histogramSigned,
  minmax,
  minmaxChannels,
  moments,
  momentsChannels,
  octav,
  outside,
} from './stats.ts';
export { sumChunked, sumLanes64 } from './sums.ts';
export { erf, exp, roundHalfAway, roundHalfEven, sigmoid, tanh } from './vmath.ts';
