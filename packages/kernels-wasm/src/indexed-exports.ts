/** Elements found by computed places or by their rank. */
export interface IndexedKernels {
  /**
   * ONNX GridSample: y [batch,channels,cells] from x [batch,channels,ih,iw] at grid [batch,cells,2], column before row, in
   * -1…1. `mode` of `GridMode`; `padding` 0 zeros, 1 border, 2 reflection. float64, rounded once.
   */
  f32_grid_sample(
    x: number,
    grid: number,
    y: number,
    batch: number,
    channels: number,
    ih: number,
    iw: number,
    cells: number,
    mode: number,
    padding: number,
    alignCorners: number,
  ): void;
  /**
   * Largest element of every window, of NaNs the last, and its flat index in all of x as a float, the first of equals (or
   * counted column by column within its plane); y or places may be 0. Windows may be dilated.
   */
  f32_maxpool2d_places(
    x: number,
    y: number,
    places: number,
    planes: number,
    ih: number,
    iw: number,
    oh: number,
    ow: number,
    kh: number,
    kw: number,
    strideH: number,
    strideW: number,
    dilationH: number,
    dilationW: number,
    padTop: number,
    padLeft: number,
    columnMajor: number,
    lo: number,
    hi: number,
  ): void;
  /**
   * y[i] = data[line(i) + indices[i]*step], four-byte elements. `plan` holds the dimensions of the indices, then for each the
   * distance of its lines in data (0 for the axis), `rank` int32 each. Indices in [-length, length): answers the position of
   * the first that is not, or -1.
   */
  gather_elements_x32(
    data: number,
    indices: number,
    y: number,
    rank: number,
    plan: number,
    length: number,
    step: number,
  ): number;
  /** The other way round, in place of `data`: data[line(i) + indices[i]*step] op= updates[i], i ascending (`ScatterOp`). */
  scatter_elements(
    op: number,
    data: number,
    indices: number,
    updates: number,
    rank: number,
    plan: number,
    length: number,
    step: number,
  ): number;
  /**
   * The k <= axis largest (or smallest) elements along the middle of [outer,axis,inner], best first, ties to the lower index,
   * and their indices as floats; either may be 0. No NaN. `scratch` holds k int32.
   */
  f32_top_k(
    x: number,
    values: number,
    indices: number,
    scratch: number,
    outer: number,
    axis: number,
    inner: number,
    k: number,
    largest: number,
  ): void;
}
