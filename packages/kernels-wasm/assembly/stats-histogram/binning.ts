// The rules of the three histograms.

/**
 * From values to places: whole float32 numbers in -1..top, where -1 and `top` mean outside. NaN gives -1. Zeros get a place
 * like everything else, and are taken out of place 0 afterwards where they do not count.
 */
export abstract class Binning {
  abstract place(v: v128, a: v128, b: v128, top: v128): v128;
  /** Whether zeros, which all fall into place 0, are taken out again. */
  abstract skipsZeros(): bool;
}

/** Clamps to -1..top; NaN becomes -1, because pmax(-1, v) is -1 < v ? v : -1. */
@inline
function bounded(v: v128, top: v128): v128 {
  return f32x4.pmin(f32x4.pmax(f32x4.splat(-1), v), top);
}

/** a: width. */
@final
export class Magnitudes extends Binning {
  @inline skipsZeros(): bool { return true; }
  @inline place(v: v128, a: v128, b: v128, top: v128): v128 {
    return bounded(f32x4.floor(f32x4.add(f32x4.div(f32x4.abs(v), a), f32x4.splat(0.5))), top);
  }
}

/** a: width, b: lower end. The upper end belongs to the last bin. */
@final
export class Signed extends Binning {
  @inline skipsZeros(): bool { return false; }
  @inline place(v: v128, a: v128, b: v128, top: v128): v128 {
    const t = f32x4.div(f32x4.sub(v, b), a);
    const last = v128.and(f32x4.eq(t, top), f32x4.splat(1));
    return bounded(f32x4.sub(f32x4.floor(t), last), top);
  }
}

/** a: inverse width, b: bins of one half. Place b is for positive values that are too large; the negative half begins behind it. */
@final
export class Halves extends Binning {
  @inline skipsZeros(): bool { return true; }
  @inline place(v: v128, a: v128, b: v128, top: v128): v128 {
    const bin = f32x4.floor(f32x4.mul(f32x4.abs(v), a));
    // NaN ends up below zero, with or without the shift.
    const behind = v128.and(f32x4.lt(v, f32x4.splat(0)), f32x4.add(b, f32x4.splat(1)));
    return f32x4.add(f32x4.pmin(f32x4.pmax(f32x4.splat(-1), bin), b), behind);
  }
}
