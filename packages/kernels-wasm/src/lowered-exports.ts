/**
 * What lowered graphs need beside convolutions and products: functions in float64, sums in order, casts, broadcasting of codes,
 * and the bfloat16 steps of the CV18xx. The conventions of `KernelExports` hold.
 */
export interface LoweredKernels {
  /** y = f(x) (`ActiveOp`), evaluated in float64, narrowed once; p and q are the function's parameters. In place. */
  lowered_active(op: number, x: number, y: number, n: number, p: number, q: number): void;
  /**
   * Reduces the middle of [outer, axis, inner] (`LoweredReduce`), sums in order in float32; `factor` multiplies the sum of a
   * mean.
   */
  lowered_reduce(op: number, x: number, y: number, outer: number, axis: number, inner: number, factor: number): void;
  /**
   * Linear interpolation of planes, float32: for every result row and column the int32 index of the element before it and its
   * float32 distance beyond that. `scratch` holds one input row.
   */
  lowered_interp(
    x: number,
    y: number,
    scratch: number,
    planes: number,
    ih: number,
    iw: number,
    oh: number,
    ow: number,
    rows: number,
    rowDistances: number,
    columns: number,
    columnDistances: number,
  ): void;

  /**
   * Integers of `bytes` bytes (1, 2, 4): clamp(round(narrow(read(x)*inverse)) + zero), `read` and `product` as `CastFloat`,
   * `rounding` as `CastRounding`. What no int64 holds is -2^63 before the clamp; limits wider than the type let values wrap.
   */
  lowered_quantize(
    x: number,
    y: number,
    bytes: number,
    n: number,
    inverse: number,
    read: number,
    product: number,
    rounding: number,
    zero: number,
    lo: number,
    hi: number,
  ): void;
  /** float32 of n int16 (`bytes` 2) or int32 (4): (x - zero)*factor, rounded as `float` (`CastFloat`) says. */
  lowered_dequantize(x: number, bytes: number, y: number, n: number, factor: number, zero: number, float: number): void;
  /**
   * ONNX QuantizeLinear to bytes: y = clamp(round(x/scale) + zero), half to even; an infinity saturates. Answers 1 where a
   * quotient is NaN (its code is unspecified), else 0.
   */
  f32_quantize_linear(x: number, y: number, n: number, scale: number, zero: number, lo: number, hi: number): number;
  /** Codes of `bytes` bytes of n int32: clamp(round(x*scale + offset)), float32, half away from zero. */
  lowered_requant_real(
    x: number,
    y: number,
    bytes: number,
    n: number,
    scale: number,
    offset: number,
    lo: number,
    hi: number,
  ): void;
  /** int8 of int32 [outer, channels, inner] by `qdm`, a multiplier (>= 0) and a shift (-30…31) per channel, clamped. */
  requant_qdm_channels(
    x: number,
    y: number,
    outer: number,
    channels: number,
    inner: number,
    multipliers: number,
    shifts: number,
    lo: number,
    hi: number,
  ): void;

  /**
   * y = clamp(op(a - zeroA, b - zeroB) + zero) (`CodeOp`) over a plan of `planBroadcast`. `add` and `sub` scale and round each
   * operand by its own multiplier and shift, `mul`, `mulQdm` and `addShared` shift once, by `sA`. Half up; shifts 0…30
   * (`mulQdm`: -30…31), |m| <= 2^12 (`mulQdm`: >= 0).
   */
  qs8_binary_nd(
    op: number,
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
    rank: number,
    plan: number,
    zero: number,
    lo: number,
    hi: number,
  ): void;
  /** y = cond != 0 ? a : b, bytes; a step of 0 repeats the first byte of an operand. In place. */
  select_x8(cond: number, a: number, aStep: number, b: number, bStep: number, y: number, n: number): void;
  /**
   * Softmax over the middle of codes [outer, axis, inner]: clamp(round(power / (sum*scale)) + zero); `powers` float32 [256] by
   * the distance from the largest code; sums in order in float32.
   */
  qs8_softmax(
    x: number,
    signed: number,
    powers: number,
    y: number,
    outer: number,
    axis: number,
    inner: number,
    scale: number,
    ySigned: number,
    zero: number,
    lo: number,
    hi: number,
  ): void;

  /** Nearest bfloat16 of the CV18xx, kept as float32: what is not finite becomes +0x7F7F. In place. */
  cv_bf16_round(x: number, y: number, n: number): void;
  /** The upper halves of float32. In place. */
  cv_bf16_truncate(x: number, y: number, n: number): void;
  /** int8 of the truncated operand times `inverse`, a bfloat16 product, half to even. */
  cv_quantize(x: number, y: number, n: number, inverse: number): void;
  /** int8 of float32: x*multiplier in float32, / 2^rshift (0…30), half up, clamped. */
  cv_requant_f32(x: number, y: number, n: number, multiplier: number, rshift: number, lo: number, hi: number): void;
  /** y = a function of x by two tables of 256 float32 (`CvTable`); `scale` belongs to `slope`. In place. */
  cv_lut(kind: number, x: number, first: number, second: number, y: number, n: number, scale: number): void;
  /**
   * Softmax over the middle of [outer, axis, inner] in bfloat16 steps: the exponential by a slope table and its scale, the
   * last factor by exponent and mantissa; `share` is the rounded weight of a power in the sum. In place.
   */
  cv_softmax(
    x: number,
    y: number,
    outer: number,
    axis: number,
    inner: number,
    powers: number,
    slopes: number,
    scale: number,
    exponents: number,
    mantissas: number,
    log: number,
    share: number,
  ): void;
  /**
   * Linear resizing of float32 planes (`CvBlend`). `rows` and `columns` hold 16 bytes per result row and column: two int32
   * pixels of the input, two float32 weights.
   */
  cv_interp(
    blend: number,
    x: number,
    y: number,
    planes: number,
    ih: number,
    iw: number,
    oh: number,
    ow: number,
    rows: number,
    columns: number,
  ): void;
  /** LayerNorm of rows of n in bfloat16 steps; weight and bias [n], or 0; `share` and `eps` are rounded. In place. */
  cv_layernorm(
    x: number,
    y: number,
    weight: number,
    bias: number,
    rows: number,
    n: number,
    share: number,
    eps: number,
    exponents: number,
    mantissas: number,
  ): void;
}
