// One class per operation; `of` is inlined into the loop of map.ts. p and q are the operation's parameters, splat.
import { clamp, roundHalfAway } from '../lanes';
import { constant, ones, signBits } from '../vmath/constant';
import { verf } from '../vmath/erf';
import { vexp, vexpBounded, vexpm1Negative, vexpMinus, vsigmoid, vtanh } from '../vmath/exp';
import { vlog, vlog1pUnit } from '../vmath/log';

export abstract class Unary {
  abstract of(x: v128, p: v128, q: v128): v128;
}

@inline
function zero(): v128 {
  return f32x4.splat(0);
}

@final export class Clip extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return clamp(x, p, q); }
}
@final export class LeakyRelu extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return v128.bitselect(f32x4.mul(x, p), x, f32x4.lt(x, zero())); }
}
/** The same for slopes in (0, 1]: the larger of two. */
@final export class LeakyReluBelowOne extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return f32x4.pmax(x, f32x4.mul(x, p)); }
}
@final export class Sigmoid extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return vsigmoid(x); }
}
@final export class LogSigmoid extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.sub(f32x4.min(x, zero()), vlog1pUnit(vexpMinus(x)));
  }
}
@final export class Tanh extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return vtanh(x); }
}
@final export class Exp extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return vexp(x); }
}
@final export class Log extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return vlog(x); }
}
@final export class Sqrt extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return f32x4.sqrt(x); }
}
@final export class Rsqrt extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return f32x4.div(ones(), f32x4.sqrt(x)); }
}
@final export class Reciprocal extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return f32x4.div(p, x); }
}
@final export class Abs extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return f32x4.abs(x); }
}
@final export class Neg extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return f32x4.neg(x); }
}
@final export class Sign extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 {
    const unit = v128.or(ones(), v128.and(x, signBits()));
    return v128.bitselect(unit, x, f32x4.gt(f32x4.abs(x), zero()));
  }
}
@final export class Floor extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return f32x4.floor(x); }
}
@final export class Ceil extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return f32x4.ceil(x); }
}
@final export class Round extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return f32x4.nearest(x); }
}
@final export class Erf extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return verf(x); }
}
/** 1 / sqrt 2, a half; and of the form with tanh: the cube's factor, sqrt(2 / pi). */
const GELU: usize = memory.data<f32>([0.70710678118654752440, 0.5, 0.044715, 0.79788456080286535588], 4);

@final export class Gelu extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 {
    const e = verf(f32x4.mul(x, f32x4.splat(0.70710678118654752440))); // 1 / sqrt 2
    return f32x4.mul(f32x4.mul(x, constant(GELU, 1)), f32x4.add(ones(), e));
  }
}
@final export class GeluTanh extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 {
    const cube = f32x4.mul(f32x4.mul(x, x), x);
    const inner = f32x4.add(x, f32x4.mul(constant(GELU, 2), cube));
    const t = vtanh(f32x4.mul(constant(GELU, 3), inner));
    return f32x4.mul(f32x4.mul(x, constant(GELU, 1)), f32x4.add(ones(), t));
  }
}
@final export class Silu extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return f32x4.mul(x, vsigmoid(x)); }
}
@final export class Swish extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return f32x4.mul(x, vsigmoid(f32x4.mul(p, x))); }
}
@final export class HardSwish extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 {
    const six = f32x4.splat(6);
    const gate = clamp(f32x4.add(x, f32x4.splat(3)), zero(), six);
    return f32x4.div(f32x4.mul(x, gate), six);
  }
}
@final export class HardSigmoid extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 {
    return clamp(f32x4.add(f32x4.mul(p, x), q), zero(), f32x4.splat(1));
  }
}
@final export class Softplus extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 {
    return f32x4.add(f32x4.max(x, zero()), vlog1pUnit(vexpMinus(x)));
  }
}
@final export class Softsign extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return f32x4.div(x, f32x4.add(ones(), f32x4.abs(x))); }
}
const MISH: usize = memory.data<f32>([2, 20], 4);

@final export class Mish extends Unary {
  // tanh(ln(1 + e)) = (e^2 + 2e) / (e^2 + 2e + 2) with e = e^x; past 20 the quotient is 1.
  @inline of(x: v128, p: v128, q: v128): v128 {
    const two = constant(MISH, 0);
    const e = vexpBounded(f32x4.pmin(x, constant(MISH, 1)));
    const n = f32x4.mul(e, f32x4.add(e, two));
    return f32x4.mul(x, f32x4.div(n, f32x4.add(n, two)));
  }
}
@final export class Elu extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 {
    return v128.bitselect(f32x4.mul(p, vexpm1Negative(f32x4.pmin(x, zero()))), x, f32x4.lt(x, zero()));
  }
}
@final export class Affine extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return f32x4.add(f32x4.mul(p, x), q); }
}
@final export class Square extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return f32x4.mul(x, x); }
}
@final export class RoundHalfAway extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return roundHalfAway(x); }
}
@final export class Trunc extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return f32x4.trunc(x); }
}
@final export class Not extends Unary {
  @inline of(x: v128, p: v128, q: v128): v128 { return v128.and(f32x4.eq(x, zero()), ones()); }
}
