import type { KnownOp, OpOf } from '../../graph.ts';
import { operatorTable } from '../../operators/index.ts';
import { type Rewriter, type Rule, rule } from './rewriter.ts';

interface ReluAttributes {
  readonly doRelu: boolean;
  readonly reluLimit: number;
}

/** An operator that a Relu can be fused into, and that only the Relu reads. */
function fusible(value: string | null, rw: Rewriter): OpOf<'top.Conv'> | undefined {
  const op = rw.anyProducer(value);
  if (op === undefined || op.type === 'unknown' || value === null || !rw.hasOneUse(value)) return undefined;
  // Every row with `fusesRelu` has the two attributes; Conv stands for all of them.
  return operatorTable[op.type].fusesRelu && op.name === value ? (op as unknown as OpOf<'top.Conv'>) : undefined;
}

/** The tighter of two bounds; ≤ 0 is none. TPU-MLIR forgets an earlier bound when the Relu has none: numbers would change. */
function tighter(first: number, second: number): number {
  if (first <= 0) return second;
  return second <= 0 ? first : Math.min(first, second);
}

/** [R]-op → Relu: the op clamps by itself, under the Relu's name (ir.md 7.3). */
const fuseRelu = rule('top.Relu', (relu, rw) => {
  const op = fusible(relu.inputs[0]!, rw);
  if (op === undefined) return false;
  const { doRelu, reluLimit }: ReluAttributes = op.attributes;
  const limit = doRelu ? tighter(reluLimit, relu.attributes.reluLimit) : relu.attributes.reluLimit;
  rw.replace(relu);
  rw.replace(op, rw.change(op, { name: relu.name, attributes: { ...op.attributes, doRelu: true, reluLimit: limit } }));
  return true;
});

/** Concat → Relu with [R]-ops everywhere: the Relu moves into the inputs, the Concat becomes `<concat>_relu`. */
const moveReluAheadOfConcat = rule('top.Relu', (relu, rw) => {
  const concat = rw.producer(relu.inputs[0], 'top.Concat');
  if (concat === undefined || !rw.hasOneUse(concat.name)) return false;
  if (concat.inputs.some((input) => fusible(input, rw) === undefined)) return false;
  const relus = concat.inputs.map((input) =>
    rw.make('top.Relu', { name: `${input}_move_ahead_relu`, inputs: [input], attributes: relu.attributes }),
  );
  const joined = rw.make('top.Concat', {
    name: `${concat.name}_relu`,
    inputs: relus.map(({ name }) => name),
    attributes: concat.attributes,
  });
  rw.replace(concat, ...relus, joined);
  rw.bypass(relu, joined.name);
  return true;
});

/** Mul(x, Sigmoid(x)) → SiLU, named after the Mul. */
const fuseSiLU = rule('top.Mul', (mul, rw) => {
  if (mul.inputs.length !== 2 || mul.attributes.doRelu) return false;
  for (const [x, gate] of [mul.inputs, mul.inputs.toReversed()] as [string, string][]) {
    const sigmoid = rw.producer(gate, 'top.Sigmoid');
    if (sigmoid?.inputs[0] !== x || sigmoid.attributes.log || !rw.hasOneUse(gate)) continue;
    rw.replace(sigmoid);
    rw.replace(mul, rw.make('top.SiLU', { name: mul.name, inputs: [x], attributes: {} }));
    return true;
  }
  return false;
});

/** x / (1 + |x|) → Softsign, named after the Div. */
const fuseSoftsign = rule('top.Div', (div, rw) => {
  const [x, divisor] = div.inputs as [string, string];
  const sum = rw.producer(divisor, 'top.AddConst');
  const abs = rw.producer(sum?.inputs[0], 'top.Abs');
  if (div.attributes.isReverse || div.attributes.doRelu || sum?.attributes.constVal !== 1 || abs?.inputs[0] !== x)
    return false;
  if (!rw.hasOneUse(sum.name) || !rw.hasOneUse(abs.name)) return false;
  rw.replace(div, rw.make('top.Softsign', { name: div.name, inputs: [x], attributes: {} }));
  return true;
});

const near = (value: number, wanted: number) => Math.abs(value - wanted) < 1e-4;

/** The operand of a MulConst of this factor that only `reader` reads. */
function scaled(value: string | undefined | null, factor: number, rw: Rewriter): string | undefined {
  const op = rw.producer(value, 'top.MulConst');
  return op !== undefined && near(op.attributes.constVal, factor) && rw.hasOneUse(op.name) ? op.inputs[0]! : undefined;
}

/** 1 + erf(x / √2), as the value of x. */
function erfTerm(value: string | null | undefined, rw: Rewriter): string | undefined {
  const sum = rw.producer(value, 'top.AddConst');
  const erf = rw.producer(sum?.inputs[0], 'top.Erf');
  if (sum?.attributes.constVal !== 1 || erf === undefined || !rw.hasOneUse(sum.name) || !rw.hasOneUse(erf.name))
    return undefined;
  return scaled(erf.inputs[0], Math.SQRT1_2, rw);
}

/** x · 0.5 · (1 + erf(x / √2)) in its Mul forms → GELU, named after the last product. */
const fuseGelu = rule('top.Mul', (mul, rw) => {
  for (const [left, right] of [mul.inputs, mul.inputs.toReversed()] as [string, string][]) {
    const x = erfTerm(right, rw);
    if (mul.inputs.length !== 2 || x === undefined) continue;
    if (scaled(left, 0.5, rw) === x) {
      rw.replace(mul, rw.make('top.GELU', { name: mul.name, inputs: [x], attributes: {} }));
      return true;
    }
    const [half, ...others] = rw.users(mul.name);
    if (left !== x || half?.type !== 'top.MulConst' || others.length > 0 || rw.isOutput(mul.name)) continue;
    if (half.attributes.constVal !== 0.5) continue;
    rw.replace(half, rw.make('top.GELU', { name: half.name, inputs: [x], attributes: {} }));
    return true;
  }
  return false;
});

/** 1 + tanh(√(2/π) · (x + 0.044715 x³)), as the value of x; every step is read once. */
function tanhTerm(value: string | null | undefined, rw: Rewriter): string | undefined {
  const sum = rw.producer(value, 'top.AddConst');
  const tanh = rw.producer(sum?.inputs[0], 'top.Tanh');
  if (sum?.attributes.constVal !== 1 || tanh === undefined || !rw.hasOneUse(sum.name) || !rw.hasOneUse(tanh.name))
    return undefined;
  const inner = rw.producer(scaled(tanh.inputs[0], Math.sqrt(2 / Math.PI), rw), 'top.Add');
  if (inner === undefined || inner.inputs.length !== 2 || !rw.hasOneUse(inner.name)) return undefined;
  for (const [x, term] of [inner.inputs, inner.inputs.toReversed()] as [string, string][]) {
    const cube = rw.producer(scaled(term, 0.044715, rw), 'top.Pow');
    if (cube?.attributes.exponent === 3 && cube.inputs[0] === x && rw.hasOneUse(cube.name)) return x;
  }
  return undefined;
}

/**
 * Reshape → x · 0.5 · (1 + tanh …) → Reshape back becomes GELU, named after the last Reshape: exporters put the product
 * of a dense layer into three dimensions for it.
 */
const fuseReshapedGelu = rule('top.Reshape', (op, rw) => {
  const mul = rw.producer(op.inputs[0], 'top.Mul');
  if (mul === undefined || mul.inputs.length !== 2 || mul.attributes.doRelu || !rw.hasOneUse(mul.name)) return false;
  for (const [half, sum] of [mul.inputs, mul.inputs.toReversed()] as [string, string][]) {
    const x = tanhTerm(sum, rw);
    const before = rw.producer(x, 'top.Reshape');
    if (x === undefined || before === undefined || scaled(half, 0.5, rw) !== x || rw.users(x).length !== 3) continue;
    const [source] = before.inputs as [string];
    if (rw.isOutput(x) || rw.shape(source).join() !== rw.shape(op.name).join()) continue;
    rw.replace(op, rw.make('top.GELU', { name: op.name, inputs: [source], attributes: { approximate: 'tanh' } }));
    return true;
  }
  return false;
});

/** PRelu with one slope → LeakyRelu. */
const scalarPRelu = rule('top.PRelu', (op, rw) => {
  const slope = rw.weightData(op.inputs[1]);
  if (slope === undefined || slope.some((value) => value !== slope[0])) return false;
  rw.replace(
    op,
    rw.make('top.LeakyRelu', { name: op.name, inputs: [op.inputs[0]!], attributes: { alpha: slope[0]! } }),
  );
  return true;
});

const powers: readonly Rule[] = [
  rule('top.Pow', (op, rw) => {
    const { exponent } = op.attributes;
    const x = op.inputs[0]!;
    let changed: KnownOp;
    if (exponent === 2) changed = rw.make('top.Mul', { name: op.name, inputs: [x, x], attributes: {} });
    else if (exponent === 0.5) changed = rw.make('top.Sqrt', { name: op.name, inputs: [x], attributes: {} });
    else return false;
    rw.replace(op, changed);
    return true;
  }),
];

export const activationRules: readonly Rule[] = [
  fuseRelu,
  moveReluAheadOfConcat,
  fuseSiLU,
  fuseGelu,
  fuseReshapedGelu,
  fuseSoftsign,
  scalarPRelu,
  ...powers,
];
