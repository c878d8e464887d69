// The rules of the three histograms.

/**
 * From values to places: whole float32 numbers in -1..top, where -1 and `top` mean outside, and so does the place of NaN. Zeros get a place
 * like everything else, and are taken out of place 0 afterwards where they do not count.
 */
export abstract class Binning {
  abstract place(v: v128, a: v128, b: v128, top: v128): v128;
  /** Whether zeros, which all fall into place 0, are taken out again. */
  abstract skipsZeros(): bool;
}

/** At most `top`, which is NaN's place as well: pmin(top, v) is v < top ? v : top. */
@inline
function upTo(top: v128, v: v128): v128 {
  return f32x4.pmin(top, v);
}

/** a: width. */
@final
export class Magnitudes extends Binning {
  @inline skipsZeros(): bool { return true; }
  @inline place(v: v128, a: v128, b: v128, top: v128): v128 {
    return upTo(top, f32x4.floor(f32x4.add(f32x4.div(f32x4.abs(v), a), f32x4.splat(0.5))));
  }
}

/** a: width, b: lower end. The upper end belongs to the last bin. */
@final
export class Signed extends Binning {
  @inline skipsZeros(): bool { return false; }
  @inline place(v: v128, a: v128, b: v128, top: v128): v128 {
    const t = f32x4.div(f32x4.sub(v, b), a);
    const last = v128.and(f32x4.eq(t, top), f32x4.splat(1));
    return f32x4.pmax(upTo(top, f32x4.sub(f32x4.floor(t), last)), f32x4.splat(-1));
  }
}

/** a: inverse width, b: bins of one half. Place b is for positive values that are too large; the negative half begins behind it. */
@final
export class Halves extends Binning {
  @inline skipsZeros(): bool { return true; }
  @inline place(v: v128, a: v128, b: v128, top: v128): v128 {
    const bin = f32x4.floor(f32x4.mul(f32x4.abs(v), a));
    const behind = v128.and(f32x4.lt(v, f32x4.splat(0)), f32x4.add(b, f32x4.splat(1)));
    return f32x4.add(upTo(b, bin), behind);
  }
}
