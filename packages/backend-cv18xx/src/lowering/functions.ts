import { type KnownOp, type ScalarFunction, scalarFunctionOf } from '@q/ir';
import { refuseOp } from '@q/ir/lowering';

/** Functions that the family knows as tables (numerics.md 9.3, 10), in INT8 and in BF16. */
export const FUNCTIONS: ReadonlySet<string> = new Set(
  ['Sigmoid', 'SiLU', 'Tanh', 'GELU', 'Mish', 'Elu', 'Exp', 'Log', 'Softplus', 'Softsign', 'Pow', 'Reciprocal'].map(
    (name) => `top.${name}`,
  ),
);

/** What the float functions of `@q/ir` do differently here. */
function ownFunctionOf(op: KnownOp): ScalarFunction | undefined {
  switch (op.type) {
    case 'top.GELU':
      return scalarFunctionOf({ ...op, attributes: { ...op.attributes, approxMode: 'normal' } });
    case 'top.Softplus':
      // No branch for large operands, unlike on the BM chips.
      return (x) => Math.log(Math.exp(x) + 1);
    case 'top.MulConst':
    case 'top.SubConst':
      return constantFunctionOf(op);
    default:
      return scalarFunctionOf(op);
  }
}

/** x · c, x − c, c − x. A Relu that was fused into one of these is dropped upstream: nothing to be simulated. */
function constantFunctionOf(op: KnownOp & { type: 'top.MulConst' | 'top.SubConst' }): ScalarFunction {
  const { constVal: c, doRelu } = op.attributes;
  if (doRelu) refuseOp(op, 'a fused Relu, which TPU-MLIR loses on these processors', 'a Relu of its own');
  if (op.type === 'top.MulConst') return (x) => x * c;
  return op.attributes.isReverse ? (x) => c - x : (x) => x - c;
}

/** Function of an INT8 table; `largest` is the threshold of the result, which stands for what is not finite. */
export function codeFunctionOf(op: KnownOp, largest: number): ScalarFunction | undefined {
  switch (op.type) {
    case 'top.Pow': {
      const { exponent } = op.attributes;
      return (x) => {
        if (exponent < 0 && x === 0) return largest;
        return !Number.isInteger(exponent) && x < 0 ? 0 : x ** exponent;
      };
    }
    case 'top.Reciprocal':
      return (x) => (x === 0 ? largest : op.attributes.constVal / x);
    case 'top.MulConst':
    case 'top.SubConst':
    case 'top.HardSwish':
    case 'top.HardSigmoid':
    case 'top.Floor':
      return ownFunctionOf(op);
    default:
      return FUNCTIONS.has(op.type) ? ownFunctionOf(op) : undefined;
  }
}

/** Function of a BF16 table with slopes, and the bound of its range [−R, R] (numerics.md 10). */
export function slopeFunctionOf(op: KnownOp): { readonly f: ScalarFunction; readonly bound: number } | undefined {
  const bound = boundOf(op);
  const f = bound === undefined ? undefined : ownFunctionOf(op);
  return f && { f, bound: bound! };
}

function boundOf(op: KnownOp): number | undefined {
  switch (op.type) {
    case 'top.Sigmoid':
      return op.attributes.log ? 3 : 12;
    case 'top.SiLU':
    case 'top.Elu':
      return 12;
    case 'top.Tanh':
    case 'top.Exp':
    case 'top.MulConst':
    case 'top.SubConst':
      return 15;
    case 'top.GELU':
    case 'top.Mish':
    case 'top.Softplus':
      return 8;
    case 'top.Softsign':
      return 6;
    default:
      return undefined;
  }
}
