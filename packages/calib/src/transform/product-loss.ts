import { attributesWithDefaults, type Graph, type Op, type TypedArray, type Weight } from '@q/ir';
import { createSession, type Session } from '@q/runtime';

const SUMS = 6;
const SQUARED_DIFFERENCE = 3;

/** A product x · W on its own, to be computed with changed constants beside the float one. */
export class ProductLoss {
  readonly #session: Session;
  readonly #sums: number;

  private constructor(session: Session) {
    this.#session = session;
    this.#sums = session.allocate(SUMS * 8);
  }

  /** @param rows of x */
  static async open(rows: number, weight: Weight): Promise<ProductLoss> {
    return new ProductLoss(await createSession(productAlone(rows, weight), { retain: 'all', nonFinite: 'allow' }));
  }

  /** Computes the float product that `against` compares with. */
  reference(x: Float32Array): void {
    this.#session.run(new Map([['x', x]]));
  }

  /** Mean squared difference of the product of changed factors to the reference, in float32 as NumPy's mean. */
  against(x: Float32Array, weight: TypedArray): number {
    const bench = this.#session.openOp('y', { weights: new Map([['w', weight]]) });
    try {
      bench.run(new Map([['x', x]]));
      const { exports, memory } = this.#session.kernels;
      const { ptr, length } = this.#session.slot('y');
      new Float64Array(memory.buffer, this.#sums, SUMS).fill(0);
      exports.metrics_pair(ptr, bench.slot('y').ptr, length, this.#sums);
      return Math.fround(new Float64Array(memory.buffer, this.#sums, SUMS)[SQUARED_DIFFERENCE]! / length);
    } finally {
      bench.dispose();
    }
  }

  dispose(): void {
    this.#session.dispose();
  }
}

function productAlone(rows: number, weight: Weight): Graph {
  const [channels, columns] = weight.type.shape as [number, number];
  const ops = [
    { type: 'top.Input', name: 'x', inputs: [], attributes: attributesWithDefaults('top.Input', {}) },
    { type: 'top.MatMul', name: 'y', inputs: ['x', 'w', null], attributes: attributesWithDefaults('top.MatMul', {}) },
  ];
  return {
    name: 'product',
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'ONNX',
    ops: ops.map((op) => ({ ...op, outputs: [op.name] })) as unknown as Op[],
    values: new Map([
      ['x', { shape: [rows, channels], dtype: 'f32' }],
      ['y', { shape: [rows, columns], dtype: 'f32' }],
    ]),
    weights: new Map([['w', weight]]),
    outputs: ['y'],
    tensorNames: new Map(),
    moduleAttributes: {},
  };
}
