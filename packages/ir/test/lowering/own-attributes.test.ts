import { type KnownOp, ownAttributesOf } from '@q/ir';
import { Refusal, topOperator } from '@q/ir/lowering';
import { expect, it } from 'vitest';

const pool = (dilations?: readonly number[]): KnownOp =>
  ({
    type: 'top.MaxPool',
    name: 'p_MaxPool',
    inputs: ['x'],
    outputs: ['p_MaxPool'],
    attributes: { kernelShape: [2, 2], strides: [1, 1], pads: [0, 0, 0, 0], ...(dilations ? { dilations } : {}) },
  }) as unknown as KnownOp;

it('refuses to lower what TPU-MLIR has no attribute for, naming the attribute', () => {
  expect(ownAttributesOf(pool())).toEqual([]);
  expect(topOperator(pool())).toEqual(pool());
  expect(() => topOperator(pool([2, 2]))).toThrow(Refusal);
  try {
    topOperator(pool([2, 2]));
  } catch (error) {
    expect((error as Refusal).issue).toMatchObject({
      code: 'lower.unsupported-operator',
      found: 'top.MaxPool p_MaxPool with dilations',
    });
  }
});
