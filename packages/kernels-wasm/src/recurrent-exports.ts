/** Recurrent layers: all steps of one direction in one call. Strides are in elements; negative ones walk backwards. */
export interface RecurrentKernels {
  f32_lstm_scratch_bytes(batch: number, hidden: number): number;
  /**
   * LSTM, gates i o f c: with g = projected + h·Rᵀ, c = σ(f)·c + σ(i)·tanh(g_c) and h = σ(o)·tanh(c), for every step.
   * `projected` [4*hidden] per step and sample is the inputs' product with all biases; `weights` is Rᵀ [hidden,4*hidden] from
   * `f32_gemm_pack`; `h` and `c` [batch,hidden] are advanced in place; y, or 0, gets h after every step.
   */
  f32_lstm(
    projected: number,
    weights: number,
    h: number,
    c: number,
    y: number,
    scratch: number,
    steps: number,
    batch: number,
    hidden: number,
    stepStride: number,
    sampleStride: number,
    yStepStride: number,
    ySampleStride: number,
  ): void;
  f32_gru_scratch_bytes(batch: number, hidden: number): number;
  /**
   * GRU, gates z r h: h = n + σ(z)·(h - n) with n = tanh(projected_h + (r∘h)·Rᵀ + bias), or, with `linearBeforeReset`,
   * tanh(projected_h + r∘(h·Rᵀ + bias)). `projected` [3*hidden] per step and sample has the input's biases, `bias`
   * [3*hidden] the recurrent ones; `gateWeights` [hidden,2*hidden] and `candidateWeights` [hidden,hidden] are packed.
   */
  f32_gru(
    projected: number,
    gateWeights: number,
    candidateWeights: number,
    bias: number,
    h: number,
    y: number,
    scratch: number,
    steps: number,
    batch: number,
    hidden: number,
    stepStride: number,
    sampleStride: number,
    yStepStride: number,
    ySampleStride: number,
    linearBeforeReset: number,
  ): void;
}
