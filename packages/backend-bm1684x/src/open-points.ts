import type { OpenPoint } from '@q/ir';
import type { Processor } from './processors.ts';

const FLOAT_SUMS = ['top.Conv', 'top.Deconv', 'top.MatMul', 'top.AvgPool'];

/** What numerics.md 17 leaves open, and where releases of the vendor's compiler differ. */
const COMMON: readonly OpenPoint[] = [
  {
    topic: 'order of float sums',
    assumed:
      "F16, BF16 and F32 convolutions and products add up in an order of our own; the vendor's library has another, and results differ by about one unit of the 16-bit type (2^-22 relative in F32)",
    operators: FLOAT_SUMS,
  },
  {
    topic: 'last bits of exp, log, erf and the like',
    assumed:
      'float functions are evaluated in f64; a table entry that lies within 1e-15 of a half may round the other way',
  },
  {
    topic: 'integer sums beyond 2^24',
    assumed:
      'sums are exact 32-bit integers here and f32 in the interpreter; the event runtime.accumulator.inexact names every operator where they can differ',
    operators: ['top.Conv', 'top.Deconv', 'top.MatMul'],
  },
  {
    topic: 'recurrent networks, samplers and indexed reads and writes',
    assumed: 'they run in float as ONNX defines them; where the interpreter rounds to 16 bits inside is not specified',
    operators: [
      'top.LSTM',
      'top.GRU',
      'top.GridSampler',
      'top.DeformConv2D',
      'top.RoiAlign',
      'top.ScatterElements',
      'top.Trilu',
    ],
  },
  {
    topic: 'casts from codes to F16',
    assumed: 'rounded to F16, as releases of 2026 do; v1.17 leaves the f32 product as it is (up to 2^-11 relative)',
  },
  {
    topic: 'differences smaller than their operands',
    assumed: 'Sub and SubConst then run in F16, as releases of 2026 do; v1.17 keeps them in INT8',
    operators: ['top.Sub', 'top.SubConst'],
  },
  {
    topic: 'INT8 softmax of two dimensions',
    assumed:
      'one operator under its own name; v1.17 puts Reshapes around it and names it <name>__softmax, with the same codes',
    operators: ['top.Softmax'],
  },
  {
    topic: '8-bit weights without groups (W8F16, W8BF16)',
    assumed: 'scaled back and rounded to the 16-bit type; v1.17 does not round them',
    operators: ['top.MatMul'],
  },
  {
    topic: 'weight-only products whose columns do not fill all lanes',
    assumed:
      'run whole with integer weights, as v1.17 and v1.30 do with 10 and 12 columns; a split at multiples of the lanes is not simulated',
    operators: ['top.MatMul'],
  },
  {
    topic: 'conflicting calibrated ranges',
    assumed: "propagation sweeps ten times and keeps what it has; the vendor's rewrite driver may stop elsewhere",
  },
  {
    topic: 'hardware',
    assumed: "the reference is the vendor's interpreter; chips and their simulators may differ from it",
  },
];

const SHARED_WITH_BM1684: ReadonlySet<string> = new Set([
  'order of float sums',
  'last bits of exp, log, erf and the like',
  'integer sums beyond 2^24',
  'conflicting calibrated ranges',
  'hardware',
]);

const INT4: readonly OpenPoint[] = [
  {
    topic: 'INT4 without a list of operators',
    assumed:
      'a table with #int4_th but no #int4_op quantizes every product and full convolution to 4 bits, as v1.17 does; releases of 2026 then ignore the INT4 rows',
    operators: ['top.Conv', 'top.MatMul'],
  },
  {
    topic: 'INT4 products that INT4 and other operators read',
    assumed: 'refused: the vendor writes beyond the end of their parameter table',
    operators: ['top.MatMul'],
  },
];

const VOLUMES: OpenPoint = {
  topic: 'INT8 convolutions in three dimensions',
  assumed: 'requantized from tables of two columns; the vendor emits three columns and reads two',
  operators: ['top.Conv'],
};

/** What concerns symmetric integers with shifts only, and F32. */
export const BM1684_OPEN_POINTS: readonly OpenPoint[] = [
  ...COMMON.filter(({ topic }) => SHARED_WITH_BM1684.has(topic)),
  {
    topic: 'Winograd convolutions',
    assumed: "not used: --do_winograd is off by default in the vendor's tool too",
    operators: ['top.Conv'],
  },
  {
    topic: '16-bit accumulation on the chip',
    assumed: 'sums are exact 32-bit integers, as in the interpreter',
    operators: ['top.Conv', 'top.MatMul'],
  },
];

/** What is not pinned down for a processor of this family. */
export function openPointsOf(processor: Processor): readonly OpenPoint[] {
  return [
    ...COMMON,
    ...(processor.hasInt4 ? INT4 : []),
    ...(processor.isBm1688 || processor.requantColumns === 3 ? [] : [VOLUMES]),
  ];
}
