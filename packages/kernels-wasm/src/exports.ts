import type { IndexedKernels } from './indexed-exports.ts';
import type { LoweredKernels } from './lowered-exports.ts';
import type { QuantizedKernels } from './quantized-exports.ts';
import type { RecurrentKernels } from './recurrent-exports.ts';
import type { StatsKernels } from './stats-exports.ts';
import type { WinogradKernels } from './winograd-exports.ts';

/** The arguments of a kernel, then a function that its result is passed through: `UnaryOp`, and the function's parameters. */
type WithUnary<T extends 'f32_conv2d' | 'f32_deconv2d' | 'f32_gemm_packed'> = [
  ...args: Parameters<FloatKernels[T]>,
  op: number,
  p: number,
  q: number,
];

/**
 * The typed interface of the WebAssembly binary: every function it exports.
 *
 * Conventions, for all of them:
 * - A pointer is a byte address in `memory`; counts are elements, not bytes, unless the name says `Bytes`.
 * - float32 pointers should be 4-byte aligned (any alignment works, slower); nothing outside the documented elements is
 *   read or written. A pointer of 0 means "absent" where a parameter is optional.
 * - `lo` and `hi` are a fused clamp of the result; pass -Infinity and Infinity for none. NaN passes through a clamp.
 * - Layout is plain NCHW float32, contiguous, unless strides are parameters.
 * - `y` may equal an input only where the docstring says "in place".
 * - No function allocates; what needs room asks for `scratch`, with a `_scratch_bytes` twin that says how much.
 * - Nothing is checked: preconditions are the caller's, who knows the shapes.
 * - The same input gives the same bits on every engine: reductions have a written order, no relaxed SIMD.
 * - Each function has a scalar twin in `src/scalar/`, which is its definition.
 */
export interface KernelExports extends FloatKernels, CopyKernels, StatsKernels, QuantizedKernels, LoweredKernels {
  readonly memory: WebAssembly.Memory;
  /** First byte that is not static data of the binary: where the host's arena starts. */
  heapBase(): number;
  /** 1: this is the fast binary. */
  usesRelaxedSimd(): number;
}

export interface ChannelKernels {
  /** x / (bias + alpha/size * sum of squares)^beta over `size` neighbouring channels; float64, rounded once. */
  f32_lrn(
    x: number,
    y: number,
    outer: number,
    channels: number,
    inner: number,
    size: number,
    alpha: number,
    beta: number,
    bias: number,
  ): void;
  /**
   * (x - mean) / sqrt(variance + eps) over the channels of every position, times weight, plus bias [channels], or 0; float64,
   * rounded once. In place.
   */
  f32_pixelnorm(
    x: number,
    weight: number,
    bias: number,
    y: number,
    outer: number,
    channels: number,
    inner: number,
    eps: number,
  ): void;
}

export interface FloatKernels extends ChannelKernels, IndexedKernels, RecurrentKernels, WinogradKernels {
  // ── f32-conv ────────────────────────────────────────────────────────────────────────────────────────────────────
  // Cross-correlation. oh = floor((ih + padTop + padBottom - dilationH*(kh-1) - 1) / strideH) + 1, and so for ow.
  // Definition: acc = bias (or 0); for ic, kh, kw ascending: acc += x*w, each product and sum rounded to f32 (a tap in
  // the padding reads x = 0); y = clamp(acc).

  /** Bytes of packed weights for `f32_conv2d`. `ic` and `oc` are totals over all groups. */
  f32_conv2d_packed_bytes(ic: number, oc: number, kh: number, kw: number, groups: number): number;
  /** Packs `w` [oc, ic/groups, kh, kw] once into `packed` (`f32_conv2d_packed_bytes`). `w` may be dropped afterwards. */
  f32_conv2d_pack(w: number, packed: number, ic: number, oc: number, kh: number, kw: number, groups: number): void;
  /** Bytes of `scratch` for `f32_conv2d` with the same shape arguments (independent of n). May be 0. */
  f32_conv2d_scratch_bytes(
    ic: number,
    ih: number,
    iw: number,
    oc: number,
    kh: number,
    kw: number,
    strideH: number,
    strideW: number,
    dilationH: number,
    dilationW: number,
    padTop: number,
    padLeft: number,
    padBottom: number,
    padRight: number,
    groups: number,
  ): number;
  /** y[n, oc, oh, ow] = clamp(conv(x[n, ic, ih, iw], packed) + bias[oc]). `bias` may be 0. Not in place. */
  f32_conv2d(
    x: number,
    packed: number,
    bias: number,
    y: number,
    scratch: number,
    n: number,
    ic: number,
    ih: number,
    iw: number,
    oc: number,
    kh: number,
    kw: number,
    strideH: number,
    strideW: number,
    dilationH: number,
    dilationW: number,
    padTop: number,
    padLeft: number,
    padBottom: number,
    padRight: number,
    groups: number,
    lo: number,
    hi: number,
  ): void;
  /** `f32_conv2d`, its result passed through `f32_unary(op, …, p, q)` while it is in the cache. Same bits as the two calls. */
  f32_conv2d_unary(...args: WithUnary<'f32_conv2d'>): void;

  // ── f32-deconv ──────────────────────────────────────────────────────────────────────────────────────────────────
  // Transposed convolution. oh = (ih-1)*strideH - padTop - padBottom + dilationH*(kh-1) + outputPadH + 1.
  // Definition: per tap t = sum over ic of x*w (from 0, ascending); y = bias, then += t for kh, kw ascending; clamp.

  f32_deconv2d_packed_bytes(ic: number, oc: number, kh: number, kw: number, groups: number): number;
  /** Packs `w` [ic, oc/groups, kh, kw] (ONNX ConvTranspose order). */
  f32_deconv2d_pack(w: number, packed: number, ic: number, oc: number, kh: number, kw: number, groups: number): void;
  f32_deconv2d_scratch_bytes(ih: number, iw: number, oc: number, kh: number, kw: number, groups: number): number;
  /** `outputPadH/W` rows and columns are appended at the end and receive what the taps reach there. Not in place. */
  f32_deconv2d(
    x: number,
    packed: number,
    bias: number,
    y: number,
    scratch: number,
    n: number,
    ic: number,
    ih: number,
    iw: number,
    oc: number,
    kh: number,
    kw: number,
    strideH: number,
    strideW: number,
    dilationH: number,
    dilationW: number,
    padTop: number,
    padLeft: number,
    padBottom: number,
    padRight: number,
    outputPadH: number,
    outputPadW: number,
    groups: number,
    lo: number,
    hi: number,
  ): void;
  /** `f32_deconv2d` and `f32_unary` in one. */
  f32_deconv2d_unary(...args: WithUnary<'f32_deconv2d'>): void;

  // ── f32-gemm ────────────────────────────────────────────────────────────────────────────────────────────────────
  // Definition: acc = bias (or 0); for k ascending: acc += a*b; c = clamp(acc). Strides are in elements. Batches are
  // the caller's loop over pointers. `biasMode`: 0 none, 1 per column bias[n], 2 per row bias[m] (`BiasMode`).

  /** Bytes of `scratch` for `f32_gemm`. */
  f32_gemm_scratch_bytes(m: number, n: number, k: number): number;
  /**
   * C[m,n] = A[m,k] * B[k,n]. Element (i,j) of A is a[i*aRowStride + j*aColStride], and so for B, so a transposed
   * operand is a swap of its strides; C rows are `cRowStride` apart and contiguous.
   */
  f32_gemm(
    a: number,
    b: number,
    bias: number,
    c: number,
    scratch: number,
    m: number,
    n: number,
    k: number,
    aRowStride: number,
    aColStride: number,
    bRowStride: number,
    bColStride: number,
    cRowStride: number,
    biasMode: number,
    lo: number,
    hi: number,
  ): void;
  /** Bytes of a packed B[k,n] for `f32_gemm_packed`. */
  f32_gemm_packed_bytes(n: number, k: number): number;
  /** Packs B once (weights): element (k,n) is b[k*bRowStride + n*bColStride]. */
  f32_gemm_pack(b: number, packed: number, n: number, k: number, bRowStride: number, bColStride: number): void;
  /** `f32_gemm` with B from `f32_gemm_pack`; `scratch` as `f32_gemm_scratch_bytes`. Same bits as `f32_gemm`. */
  f32_gemm_packed(
    a: number,
    packed: number,
    bias: number,
    c: number,
    scratch: number,
    m: number,
    n: number,
    k: number,
    aRowStride: number,
    aColStride: number,
    cRowStride: number,
    biasMode: number,
    lo: number,
    hi: number,
  ): void;
  /** `f32_gemm_packed` and `f32_unary`, on each row of C, in one. */
  f32_gemm_packed_unary(...args: WithUnary<'f32_gemm_packed'>): void;

  // ── f32-pool ────────────────────────────────────────────────────────────────────────────────────────────────────
  // `planes` = n * channels. The window of output (oy, ox) covers rows oy*strideH - padTop … + kh - 1 that exist, and so
  // for columns. Bottom and right padding follow from oh and ow (ceil mode is just a larger oh). Every window must cover
  // at least one element.

  f32_pool2d_scratch_bytes(iw: number, ow: number, kw: number, strideW: number): number;
  /** NaN in a window gives NaN. */
  f32_maxpool2d(
    x: number,
    y: number,
    scratch: number,
    planes: number,
    ih: number,
    iw: number,
    oh: number,
    ow: number,
    kh: number,
    kw: number,
    strideH: number,
    strideW: number,
    padTop: number,
    padLeft: number,
    lo: number,
    hi: number,
  ): void;
  /**
   * Divides by kh*kw when `countIncludePad` is 1, else by the number of covered elements. Order: each column of the
   * window top to bottom (starting from its first existing row), then the columns left to right, starting from 0.
   */
  f32_avgpool2d(
    x: number,
    y: number,
    scratch: number,
    planes: number,
    ih: number,
    iw: number,
    oh: number,
    ow: number,
    kh: number,
    kw: number,
    strideH: number,
    strideW: number,
    padTop: number,
    padLeft: number,
    countIncludePad: number,
    lo: number,
    hi: number,
  ): void;

  // ── f32-binary ──────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * y[i] = clamp(op(a[i*aStep], b[i*bStep])); a step is 1 or 0 (0: one scalar for all). `op` is a `BinaryOp`; `ca` and
   * `cb` are used by addScaled only. In place on either vector operand.
   */
  f32_binary(
    op: number,
    a: number,
    aStep: number,
    b: number,
    bStep: number,
    y: number,
    n: number,
    ca: number,
    cb: number,
    lo: number,
    hi: number,
  ): void;
  /**
   * General broadcasting. `plan` points at 3*rank int32: dims, strides of a, strides of b, in elements, outermost first;
   * a stride of 0 broadcasts. y is contiguous. 1 <= rank <= 6. `planBroadcast()` makes the plan and merges dimensions, so
   * that a [C] operand over NCHW runs at the speed of the scalar form. In place where that operand is not broadcast.
   */
  f32_binary_nd(
    op: number,
    a: number,
    b: number,
    y: number,
    rank: number,
    plan: number,
    ca: number,
    cb: number,
    lo: number,
    hi: number,
  ): void;
  /** y[i] = cond[i] != 0 ? a[i*aStep] : b[i*bStep] (NaN counts as true). In place on any. */
  f32_where(cond: number, a: number, aStep: number, b: number, bStep: number, y: number, n: number): void;

  // ── f32-unary ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** y[i] = op(x[i]) with `op` a `UnaryOp` and its parameters p, q. In place. Error bounds: ABI.md. */
  f32_unary(op: number, x: number, y: number, n: number, p: number, q: number): void;
  /** y = x < 0 ? x*slope[c] : x over [outer, channels, inner]. In place. */
  f32_prelu(x: number, slope: number, y: number, outer: number, channels: number, inner: number): void;
  /** y = clamp(x*scale[c] + bias[c]) over [outer, channels, inner], two roundings; `bias` may be 0. In place. */
  f32_scale(
    x: number,
    scale: number,
    bias: number,
    y: number,
    outer: number,
    channels: number,
    inner: number,
    lo: number,
    hi: number,
  ): void;
  /** int32 from float32, toward zero, saturating, NaN to 0. In place. */
  f32_to_i32(x: number, y: number, n: number): void;
  /** float32 from int32, ties to even. In place. */
  i32_to_f32(x: number, y: number, n: number): void;

  // ── f32-softmax, f32-layernorm, f32-reduce ──────────────────────────────────────────────────────────────────────

  /** Softmax of beta*x over the middle of [outer, axis, inner]; `log` 1 gives log-softmax. In place. */
  f32_softmax(x: number, y: number, outer: number, axis: number, inner: number, beta: number, log: number): void;
  /**
   * y = (x - mean) / sqrt(var + eps) * weight[i] + bias[i] for each of `outer` rows of `inner` elements (population
   * variance, two passes). `weight` and `bias` may each be 0. In place.
   */
  f32_layernorm(x: number, weight: number, bias: number, y: number, outer: number, inner: number, eps: number): void;
  /** Instance norm: as layernorm over [outer, channels, inner] rows, weight and bias per channel. In place. */
  f32_instancenorm(
    x: number,
    weight: number,
    bias: number,
    y: number,
    outer: number,
    channels: number,
    inner: number,
    eps: number,
  ): void;
  /** y = x / sqrt(mean(x^2) + eps) * weight[i]; `weight` may be 0. In place. */
  f32_rmsnorm(x: number, weight: number, y: number, outer: number, inner: number, eps: number): void;
  /** y[outer, inner] = reduce over the middle of x[outer, axis, inner] with a `ReduceOp`; axis >= 1. Not in place. */
  f32_reduce(op: number, x: number, y: number, outer: number, axis: number, inner: number): void;
  /** int32 index of the largest (`min` 0) or smallest (1) over the middle; ties to the first (`last` 0) or last (1). */
  f32_argmax(x: number, y: number, outer: number, axis: number, inner: number, min: number, last: number): void;

  // ── f32-resize ──────────────────────────────────────────────────────────────────────────────────────────────────
  // `coord` is a `ResizeCoord`; coordinates are computed in float64.

  /** asymmetric: floor(x*in/out); every other mode: round half away of x*(in-1)/(out-1) (0 when out is 1). */
  f32_resize_nearest(
    x: number,
    y: number,
    planes: number,
    ih: number,
    iw: number,
    oh: number,
    ow: number,
    coord: number,
  ): void;
  f32_resize_linear_scratch_bytes(iw: number, ow: number): number;
  /** Bilinear: rows first, then columns, a*(1-f) + b*f each. */
  f32_resize_linear(
    x: number,
    y: number,
    scratch: number,
    planes: number,
    ih: number,
    iw: number,
    oh: number,
    ow: number,
    coord: number,
  ): void;
}

export interface CopyKernels {
  /**
   * Copies an N-d block of 4-byte elements. `plan` points at 3*rank int32: dims, source strides, destination strides, in
   * elements, outermost first; 1 <= rank <= 8. Source strides may be 0 (expand) or negative (reverse, with `src` at the
   * first element read). Permute, slice, concat, pad interior, tile, expand, depth-to-space are plans: `planCopy()` merges
   * dimensions. Source and destination must not overlap.
   */
  copy_nd_x32(src: number, dst: number, rank: number, plan: number): void;
  /** The same for 1-byte elements. */
  copy_nd_x8(src: number, dst: number, rank: number, plan: number): void;
  /** n 4-byte elements of the given float32 value. */
  fill_f32(dst: number, value: number, n: number): void;
  /** n 4-byte elements of the given bits. */
  fill_x32(dst: number, bits: number, n: number): void;
  fill_x8(dst: number, value: number, n: number): void;
  /**
   * dst row i = src row indices[i]; rows are `rowBytes` long, indices int32, negative ones count from the end. Returns -1,
   * or the position of the first index outside [-rows, rows), whose row and all later ones are not written.
   */
  gather_rows(src: number, indices: number, dst: number, count: number, rows: number, rowBytes: number): number;
}
