// Functions too rare to deserve a vector polynomial: one lane at a time in float64, rounded once to float32. NativeMath is
// AssemblyScript's port of musl, compiled into this binary, so every engine gives the same bits.

export abstract class Rare {
  abstract of(x: f64, p: f64): f64;
}

@final export class Sin extends Rare {
  @inline of(x: f64, p: f64): f64 { return NativeMath.sin(x); } // see: musl/src/math/sin.c
}
@final export class Cos extends Rare {
  @inline of(x: f64, p: f64): f64 { return NativeMath.cos(x); } // see: musl/src/math/cos.c
}
@final export class Tan extends Rare {
  @inline of(x: f64, p: f64): f64 { return NativeMath.tan(x); } // see: musl/src/math/tan.c
}
@final export class Arccos extends Rare {
  @inline of(x: f64, p: f64): f64 { return NativeMath.acos(x); } // see: musl/src/math/acos.c
}
@final export class Arctanh extends Rare {
  @inline of(x: f64, p: f64): f64 { return NativeMath.atanh(x); } // see: musl/src/math/atanh.c
}
@final export class Sinh extends Rare {
  @inline of(x: f64, p: f64): f64 { return NativeMath.sinh(x); } // see: musl/src/math/sinh.c
}
@final export class Cosh extends Rare {
  @inline of(x: f64, p: f64): f64 { return NativeMath.cosh(x); } // see: musl/src/math/cosh.c
}
@final export class PowScalar extends Rare {
  @inline of(x: f64, p: f64): f64 { return NativeMath.pow(x, p); } // see: musl/src/math/pow.c
}
@final export class ScalarPow extends Rare {
  @inline of(x: f64, p: f64): f64 { return NativeMath.pow(p, x); } // see: musl/src/math/pow.c
}

export function mapRare<T extends Rare>(x: usize, y: usize, n: i32, p: f32): void {
  const op = changetype<T>(0);
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 2;
    store<f32>(y + at, <f32>op.of(<f64>load<f32>(x + at), <f64>p));
  }
}
