import type { OpOf, OpType } from '@q/ir';
import { UnaryOp, type UnaryOpName } from '@q/kernels-wasm';
import type { ElementFunction, Implementations, OpImplementation } from '../implementation.ts';
import { aroundAxis } from '../shapes.ts';
import { prepareBinary } from './broadcast.ts';
import { refuse } from './refuse.ts';
import { upperBound } from './relu-bounds.ts';

/** A kernel function and its two parameters. */
interface UnaryCall {
  readonly name: UnaryOpName;
  readonly p?: number;
  readonly q?: number;
}

/** An operator that applies one kernel function to every element, in place where possible, or as part of the operator before. */
export function unary<T extends OpType>(choose: (op: OpOf<T>) => UnaryCall): OpImplementation<T> {
  const elementwise = (op: OpOf<T>): ElementFunction => {
    const { name, p = 0, q = 0 } = choose(op);
    return { code: UnaryOp[name], p, q };
  };
  return {
    elementwise,
    sharing: () => ({ kind: 'inPlace', operands: [0] }),
    prepare(op, context) {
      const { kernels } = context;
      const [x, y] = [context.input(0), context.output()];
      const { code, p, q } = elementwise(op);
      return () => kernels.f32_unary(code, x.ptr, y.ptr, y.length, p, q);
    },
  };
}

/** An operator without parameters. */
function plain<T extends OpType>(name: UnaryOpName): OpImplementation<T> {
  return unary<T>(() => ({ name }));
}

const prelu: OpImplementation<'top.PRelu'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const { kernels } = context;
    const [x, slope, y] = [context.input(0), context.input(1), context.output()];
    const { outer, axis, inner } = aroundAxis(x.shape, 1);
    if (slope.length === 1) {
      const channels = 1;
      return () => kernels.f32_prelu(x.ptr, slope.ptr, y.ptr, 1, channels, y.length);
    }
    if (slope.length !== axis) refuse(op, `${slope.length} slopes`, `1, or ${axis}: one per channel`);
    return () => kernels.f32_prelu(x.ptr, slope.ptr, y.ptr, outer, axis, inner);
  },
};

/** log_b x as ln x · (1 / ln b). */
const logB: OpImplementation<'top.LogB'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const factor = 1 / Math.log(op.attributes.base);
    return () => {
      kernels.f32_unary(UnaryOp.log, x.ptr, y.ptr, y.length, 0, 0);
      kernels.f32_unary(UnaryOp.affine, y.ptr, y.ptr, y.length, factor, 0);
    };
  },
};

const power = unary<'top.Pow'>((op) => ({ name: 'powScalar', p: op.attributes.exponent }));

/** x^exponent; a cube is x·x·x, two roundings, because it is what a decomposed GELU asks for everywhere. */
const pow: OpImplementation<'top.Pow'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    if (op.attributes.exponent !== 3) return power.prepare(op, context);
    const x = { slot: context.input(0), shape: context.input(0).shape };
    const square = { slot: context.scratch(x.slot.byteLength), shape: x.shape };
    const first = prepareBinary(context, { operation: 'mul', a: x, b: x, y: square.slot });
    const second = prepareBinary(context, { operation: 'mul', a: square, b: x, y: context.output() });
    return () => {
      first();
      second();
    };
  },
};

const softmax: OpImplementation<'top.Softmax'> = {
  sharing: () => ({ kind: 'inPlace', operands: [0] }),
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const { outer, axis, inner } = aroundAxis(x.shape, op.attributes.axis);
    const { beta } = op.attributes;
    const log = op.attributes.log ? 1 : 0;
    return () => kernels.f32_softmax(x.ptr, y.ptr, outer, axis, inner, beta, log);
  },
};

export const activationImplementations: Implementations = {
  'top.Relu': unary<'top.Relu'>((op) => ({ name: 'clip', p: 0, q: upperBound(op.attributes.reluLimit) })),
  'top.LeakyRelu': unary<'top.LeakyRelu'>((op) => ({ name: 'leakyRelu', p: op.attributes.alpha })),
  'top.Elu': unary<'top.Elu'>((op) => ({ name: 'elu', p: op.attributes.alpha })),
  'top.PRelu': prelu,
  'top.Sigmoid': unary<'top.Sigmoid'>((op) => ({ name: op.attributes.log ? 'logSigmoid' : 'sigmoid' })),
  'top.SiLU': plain('silu'),
  'top.Mish': plain('mish'),
  'top.HardSwish': plain('hardSwish'),
  'top.HardSigmoid': unary<'top.HardSigmoid'>((op) => ({
    name: 'hardSigmoid',
    p: op.attributes.alpha,
    q: op.attributes.beta,
  })),
  'top.Swish': unary<'top.Swish'>((op) => ({ name: 'swish', p: op.attributes.beta })),
  // The erf form, whatever `approx_mode` says (ir.md 6.4), unless an ONNX Gelu asked for the other.
  'top.GELU': unary<'top.GELU'>((op) => ({ name: op.attributes.approximate === 'tanh' ? 'geluTanh' : 'gelu' })),
  'top.Softplus': plain('softplus'),
  'top.Softsign': plain('softsign'),
  'top.Tanh': plain('tanh'),
  'top.Erf': plain('erf'),
  'top.Exp': plain('exp'),
  'top.Log': plain('log'),
  'top.Sqrt': plain('sqrt'),
  'top.Rsqrt': plain('rsqrt'),
  'top.Abs': plain('abs'),
  'top.Sign': plain('sign'),
  'top.Ceil': plain('ceil'),
  'top.Round': plain('round'),
  'top.Floor': plain('floor'),
  'top.Sin': plain('sin'),
  'top.Cos': plain('cos'),
  'top.Tan': plain('tan'),
  'top.Sinh': plain('sinh'),
  'top.Cosh': plain('cosh'),
  'top.Arccos': plain('arccos'),
  'top.Arctanh': plain('arctanh'),
  'top.Clip': unary<'top.Clip'>((op) => ({ name: 'clip', p: op.attributes.min, q: op.attributes.max })),
  'top.LogB': logB,
  'top.Pow': pow,
  'top.Pow2': unary<'top.Pow2'>((op) => ({ name: 'scalarPow', p: op.attributes.constVal })),
  'top.Softmax': softmax,
};
