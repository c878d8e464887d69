/**
 * The integer kernels of the binary. Codes are bytes; a `signed` flag (1 or 0) says how to read them, results are
 * clamped to [lo, hi] and stored as their low byte, so [-128, 127] makes int8 and [0, 255] uint8. The conventions of
 * `KernelExports` hold.
 *
 * `finish` (`Finish`) says what becomes of an int32 accumulator: with t = trunc(f32(acc) + bias),
 * - `multiplierShift`: (t*multiplier) >> rshift, half up (a negative rshift multiplies);
 * - `qdm`: (t*multiplier) >> 31 half up, then >> rshift half away from zero (multiplier >= 0);
 * then + zero, clamp. `none` stores the bare accumulator as int32 (`yBytes` 4). `packed` is `multiplierShift`, faster:
 * `bias` is the table of `qs8_finish_pack`, made for the same zero, lo and hi, and multiplier and rshift are not read.
 * bias (float32, may be 0), multiplier and rshift (int32) have one entry per output channel.
 *
 * Convolution and product answer the largest |accumulator| as an unsigned number where one is beyond 2^24, and there the
 * vendor's float accumulation is no longer exact (numerics.md 0); else a number of at most 2^24.
 */
export interface QuantizedKernels {
  qs8_conv2d_packed_bytes(
    ic: number,
    oc: number,
    kh: number,
    kw: number,
    strideH: number,
    strideW: number,
    dilationH: number,
    dilationW: number,
    groups: number,
  ): number;
  /** Packs codes `w` [oc, ic/groups, kh, kw] once, in a form that depends on strides and dilations. */
  qs8_conv2d_pack(
    w: number,
    signed: number,
    packed: number,
    ic: number,
    oc: number,
    kh: number,
    kw: number,
    strideH: number,
    strideW: number,
    dilationH: number,
    dilationW: number,
    groups: number,
  ): void;
  qs8_conv2d_scratch_bytes(
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
  /** y[n, oc, oh, ow] from x[n, ic, ih, iw]; taps in the padding read `pad`, a code of x's type. Not in place. */
  qs8_conv2d(
    x: number,
    xSigned: number,
    packed: number,
    bias: number,
    multiplier: number,
    rshift: number,
    y: number,
    yBytes: number,
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
    pad: number,
    finish: number,
    zero: number,
    lo: number,
    hi: number,
  ): number;

  qs8_gemm_packed_bytes(m: number, n: number, k: number): number;
  /** Packs codes of B[k,n] for products of 1 row or of m > 1: element (k,n) is b[k*rowStride + n*columnStride]. */
  qs8_gemm_pack(
    b: number,
    signed: number,
    packed: number,
    m: number,
    n: number,
    k: number,
    rowStride: number,
    columnStride: number,
  ): void;
  qs8_gemm_scratch_bytes(k: number): number;
  /** C[m,n] = A[m,k]*B; bias, multiplier and rshift per column of C; C rows are `cRowStride` elements apart. */
  qs8_gemm(
    a: number,
    aSigned: number,
    packed: number,
    bias: number,
    multiplier: number,
    rshift: number,
    c: number,
    cBytes: number,
    scratch: number,
    m: number,
    n: number,
    k: number,
    aRowStride: number,
    aColumnStride: number,
    cRowStride: number,
    finish: number,
    zero: number,
    lo: number,
    hi: number,
  ): number;

  /**
   * Completes the table of `Finish.packed`: n entries of 16 bytes, bias (float32), multiplier, rshift (int32), and what this
   * fills in: the factor with which float32 finishes the channel exactly, or 0 where there is none.
   */
  qs8_finish_pack(table: number, n: number, zero: number, lo: number, hi: number): void;

  /**
   * n int32 to codes of `bytes` bytes: clamp(((x*multiplier) >> rshift) + zero), half away from zero when `away` is 1, else
   * half up; a negative rshift multiplies.
   */
  requant_x32(
    x: number,
    y: number,
    bytes: number,
    n: number,
    multiplier: number,
    rshift: number,
    away: number,
    zero: number,
    lo: number,
    hi: number,
  ): void;

  /** y = clamp(((a-zeroA)*mA >> sA) + ((b-zeroB)*mB >> sB) + zero); shifts 0…30 half up, |m| <= 127. In place. */
  qs8_add(
    a: number,
    aSigned: number,
    zeroA: number,
    mA: number,
    sA: number,
    b: number,
    bSigned: number,
    zeroB: number,
    mB: number,
    sB: number,
    y: number,
    n: number,
    zero: number,
    lo: number,
    hi: number,
  ): void;
  /** y = clamp(((a-zeroA)*(b-zeroB)*m >> s) + zero); shift 0…30 half up, |m| <= 127. In place. */
  qs8_mul(
    a: number,
    aSigned: number,
    zeroA: number,
    b: number,
    bSigned: number,
    zeroB: number,
    y: number,
    n: number,
    m: number,
    s: number,
    zero: number,
    lo: number,
    hi: number,
  ): void;

  /** int8: y = clamp((a*mA + b*mB) >> shift), half up; |m| <= 255, shift 0…30. In place. */
  qs8_add_shared(
    a: number,
    mA: number,
    b: number,
    mB: number,
    shift: number,
    y: number,
    n: number,
    lo: number,
    hi: number,
  ): void;
  /** int8: y = clamp(QDM of a*b), as `qdm` finishes sums; m >= 0, rshift -30…31. In place. */
  qs8_mul_qdm(a: number, b: number, y: number, n: number, m: number, rshift: number, lo: number, hi: number): void;

  qs8_maxpool2d_scratch_bytes(iw: number, ow: number, kw: number, strideW: number, padLeft: number): number;
  /** Largest code of each window; bottom and right padding follow from oh and ow. Every window covers an element. */
  qs8_maxpool2d(
    x: number,
    signed: number,
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
  ): void;

  /**
   * Codes of window averages: with v the float32 average times kh times kw, `AverageFinish` says how v becomes a code, then
   * + zero, clamp. The divisor counts covered elements, or the whole window when `countPad` is 1. |multiplier| <= 2^24,
   * rshift -1000…1000 (`cv18xx`: 0…30).
   */
  qs8_avgpool2d(
    x: number,
    signed: number,
    y: number,
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
    countPad: number,
    finish: number,
    multiplier: number,
    rshift: number,
    scale: number,
    offset: number,
    zero: number,
    lo: number,
    hi: number,
  ): void;

  /**
   * y = clamp(round(x*inverse) + zero), half away from zero, as bytes; `half` 1 rounds the product to binary16 first. What
   * no int64 holds (NaN, infinities) becomes `lo`.
   */
  f32_to_q8(x: number, y: number, n: number, inverse: number, half: number, zero: number, lo: number, hi: number): void;

  /** y[i] = table[x[i]], 256 bytes, indexed by the raw byte (a code q < 0 reads entry q + 256). In place. */
  lut_x8(x: number, table: number, y: number, n: number): void;
  /** The same with 256 entries of 4 bytes. */
  lut_x8_x32(x: number, table: number, y: number, n: number): void;
  /** Nearest binary16 kept as float32: ties to even, overflow to infinity. In place. */
  f16_round(x: number, y: number, n: number): void;
  /** Nearest bfloat16 kept as float32, subnormals to zero. In place. */
  bf16_round(x: number, y: number, n: number): void;

  /**
   * Softmax of beta*x over the middle of [outer, axis, inner] with the exponentials added one after the other in float32;
   * `log` 1 takes the logarithm of each share. In place.
   */
  lowered_softmax(x: number, y: number, outer: number, axis: number, inner: number, beta: number, log: number): void;
  /**
   * y = (x - mean) / deviation of rows of n elements, sums in order in float32 (`NormSteps`); the mean is 0 unless
   * `centred` is 1. `average` is 1/n, rounded to bfloat16 where the steps are. In place.
   */
  lowered_normalize(
    x: number,
    y: number,
    rows: number,
    n: number,
    eps: number,
    average: number,
    centred: number,
    steps: number,
  ): void;
  /** y = y*weight + bias over [rows, n, inner], weight and bias [n] or 0; `narrow` 1 rounds both steps to bfloat16. */
  lowered_affine(y: number, weight: number, bias: number, rows: number, n: number, inner: number, narrow: number): void;
}

/** What becomes of an average of codes: integer factor and shift as on BM chips, a real factor, or as on CV18xx. */
export const AverageFinish = { multiplierShift: 0, real: 1, cv18xx: 2 } as const;

/** Rounding of a normalization: float32, bfloat16 after every step, or that without the last ones of the variance. */
export const NormSteps = { float: 0, bf16: 1, bf16Plain: 2 } as const;

/** What becomes of an accumulator. */
export const Finish = { multiplierShift: 0, qdm: 1, none: 2, packed: 3 } as const;
