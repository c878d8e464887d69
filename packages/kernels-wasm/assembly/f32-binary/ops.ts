// One class per operation; `of` is inlined into the loops of index.ts. p and q are addScaled's coefficients.

export abstract class Binary {
  abstract of(a: v128, b: v128, p: v128, q: v128): v128;
}

@inline
function truth(mask: v128): v128 {
  return v128.and(mask, f32x4.splat(1));
}

@inline
function isTrue(v: v128): v128 {
  return f32x4.ne(v, f32x4.splat(0));
}

@final export class Add extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return f32x4.add(a, b); }
}
@final export class Sub extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return f32x4.sub(a, b); }
}
@final export class Mul extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return f32x4.mul(a, b); }
}
@final export class Div extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return f32x4.div(a, b); }
}
@final export class Max extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return f32x4.max(a, b); }
}
@final export class Min extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return f32x4.min(a, b); }
}
@final export class AddScaled extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return f32x4.add(f32x4.mul(p, a), f32x4.mul(q, b)); }
}
@final export class SquaredDifference extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 {
    const d = f32x4.sub(a, b);
    return f32x4.mul(d, d);
  }
}
@final export class Equal extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return truth(f32x4.eq(a, b)); }
}
@final export class NotEqual extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return truth(f32x4.ne(a, b)); }
}
@final export class Less extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return truth(f32x4.lt(a, b)); }
}
@final export class LessOrEqual extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return truth(f32x4.le(a, b)); }
}
@final export class Greater extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return truth(f32x4.gt(a, b)); }
}
@final export class GreaterOrEqual extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return truth(f32x4.ge(a, b)); }
}
@final export class And extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return truth(v128.and(isTrue(a), isTrue(b))); }
}
@final export class Or extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return truth(v128.or(isTrue(a), isTrue(b))); }
}
@final export class Xor extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return truth(v128.xor(isTrue(a), isTrue(b))); }
}

/** Lane-by-lane operations in float64, rounded once. */
@final export class Pow extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return eachLane<PowLane>(a, b); }
}
@final export class Fmod extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return eachLane<FmodLane>(a, b); }
}
@final export class FloorMod extends Binary {
  @inline of(a: v128, b: v128, p: v128, q: v128): v128 { return eachLane<FloorModLane>(a, b); }
}

abstract class Lane {
  abstract of(a: f64, b: f64): f64;
}

@final class PowLane extends Lane {
  @inline of(a: f64, b: f64): f64 { return NativeMath.pow(a, b); } // see: musl/src/math/pow.c
}
@final class FmodLane extends Lane {
  @inline of(a: f64, b: f64): f64 { return NativeMath.mod(a, b); } // see: musl/src/math/fmod.c; exact
}
@final class FloorModLane extends Lane {
  @inline of(a: f64, b: f64): f64 {
    const r = NativeMath.mod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
  }
}

function eachLane<T extends Lane>(a: v128, b: v128): v128 {
  const op = changetype<T>(0);
  let y = f32x4.splat(<f32>op.of(<f64>f32x4.extract_lane(a, 0), <f64>f32x4.extract_lane(b, 0)));
  y = f32x4.replace_lane(y, 1, <f32>op.of(<f64>f32x4.extract_lane(a, 1), <f64>f32x4.extract_lane(b, 1)));
  y = f32x4.replace_lane(y, 2, <f32>op.of(<f64>f32x4.extract_lane(a, 2), <f64>f32x4.extract_lane(b, 2)));
  return f32x4.replace_lane(y, 3, <f32>op.of(<f64>f32x4.extract_lane(a, 3), <f64>f32x4.extract_lane(b, 3)));
}
