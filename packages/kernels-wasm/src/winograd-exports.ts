/** A dense 3x3 convolution at stride 1 by Winograd's F(4x4, 3x3): faster, and not the sums of `f32_conv2d`. */
export interface WinogradKernels {
  // ── f32-winograd ────────────────────────────────────────────────────────────────────────────────────────────────
  // Stride 1, dilation 1, one group. Definition: `winograd` of `@q/kernels-wasm/scalar`; ABI.md bounds its error.

  /** Bytes of transformed weights: four times those of `f32_conv2d`, for `oc` rounded up to a multiple of 8. */
  f32_winograd_packed_bytes(ic: number, oc: number): number;
  /** Transforms `w` [oc, ic, 3, 3] once into `packed`. `w` may be dropped afterwards. */
  f32_winograd_pack(w: number, packed: number, ic: number, oc: number): void;
  /** Bytes of `scratch` for `f32_winograd` with the same shape arguments. */
  f32_winograd_scratch_bytes(
    n: number,
    ic: number,
    ih: number,
    iw: number,
    padTop: number,
    padLeft: number,
    padBottom: number,
    padRight: number,
  ): number;
  /**
   * y[n, oc, ih + padTop + padBottom - 2, iw + padLeft + padRight - 2] = clamp(conv(x[n, ic, ih, iw], packed) + bias[oc]). `bias` may
   * be 0. Not in place.
   */
  f32_winograd(
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
    padTop: number,
    padLeft: number,
    padBottom: number,
    padRight: number,
    lo: number,
    hi: number,
  ): void;
}
