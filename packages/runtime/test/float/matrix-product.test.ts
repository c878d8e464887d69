import { expect, test } from 'vitest';
import { ramp, type TensorLike, tensor } from '../graph-builder.ts';
import { dataOf, expectClose, runOp } from '../run-op.ts';

/** a[M,K] · b[K,N] of plain matrices. */
function multiply(
  a: (m: number, k: number) => number,
  b: (k: number, n: number) => number,
  M: number,
  K: number,
  N: number,
) {
  return Array.from({ length: M * N }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += a(Math.floor(at / N), k) * b(k, at % N);
    return sum;
  });
}

const at = (t: TensorLike, index: number): number => Number(t.data[index]);

test.each([
  ['weight', 1],
  ['computed', 2],
])('2-D with bias and relu, right operand %s', async (_name, weightsFrom) => {
  const [a, b] = [tensor([2, 3], [1, 2, 3, -1, 0, 1]), tensor([3, 2], [1, 0, 0, 1, 1, -1])];
  const got = await dataOf({
    type: 'top.MatMul',
    attributes: { doRelu: true },
    inputs: [a, b, tensor([2], [0.5, 0.25])],
    weightsFrom: weightsFrom as number,
  });
  // rows: (4, -1) and (0, -1), plus bias
  expect(got).toEqual([4.5, 0, 0.5, 0]);
});

test.each([
  ['weight', 1],
  ['computed', 2],
])('batches with transposed operands, right operand %s', async (_name, weightsFrom) => {
  const [a, b] = [ramp([2, 5, 3]), ramp([2, 4, 5])];
  const got = await runOp({
    type: 'top.MatMul',
    attributes: { leftTranspose: true, rightTranspose: true },
    inputs: [a, b, null],
    weightsFrom: weightsFrom as number,
  });
  const expected = [0, 1].flatMap((batch) =>
    multiply(
      (m, k) => at(a, batch * 15 + k * 3 + m),
      (k, n) => at(b, batch * 20 + n * 5 + k),
      3,
      5,
      4,
    ),
  );
  expect(got[0]!.shape).toEqual([2, 3, 4]);
  expectClose(got[0]!.data, expected);
});

test('batch dimensions broadcast', async () => {
  const [a, b] = [ramp([2, 1, 2, 3]), ramp([3, 3, 2])];
  const got = await runOp({ type: 'top.MatMul', inputs: [a, b, null] });
  const expected = [0, 1].flatMap((i) =>
    [0, 1, 2].flatMap((j) =>
      multiply(
        (m, k) => at(a, i * 6 + m * 3 + k),
        (k, n) => at(b, j * 6 + k * 2 + n),
        2,
        3,
        2,
      ),
    ),
  );
  expect(got[0]!.shape).toEqual([2, 3, 2, 2]);
  expectClose(got[0]!.data, expected);
});

test('many rows share one weight matrix', async () => {
  const [a, b] = [ramp([3, 4, 5]), ramp([5, 6])];
  const got = await dataOf({ type: 'top.MatMul', inputs: [a, b, null], weightsFrom: 1 });
  expectClose(
    got,
    multiply(
      (m, k) => at(a, m * 5 + k),
      (k, n) => at(b, k * 6 + n),
      12,
      5,
      6,
    ),
  );
});

test('trailing dimensions are flattened into K', async () => {
  const [a, b] = [ramp([1, 3, 2, 2]), ramp([12, 4])];
  const got = await runOp({ type: 'top.MatMul', inputs: [a, b, null], weightsFrom: 1 });
  expect(got[0]!.shape).toEqual([1, 4]);
  expectClose(
    got[0]!.data,
    multiply(
      (_, k) => at(a, k),
      (k, n) => at(b, k * 4 + n),
      1,
      12,
      4,
    ),
  );
});

test('a one-dimensional right operand drops the last dimension', async () => {
  const [a, b] = [ramp([2, 3, 4]), ramp([4])];
  const got = await runOp({ type: 'top.MatMul', inputs: [a, b, null] });
  expect(got[0]!.shape).toEqual([2, 3]);
  expectClose(
    got[0]!.data,
    multiply(
      (m, k) => at(a, m * 4 + k),
      (k) => at(b, k),
      6,
      4,
      1,
    ),
  );
});

test('heads as batch: [1, rows, heads, K] times [1, columns, heads, K] transposed', async () => {
  const [a, b] = [ramp([1, 3, 2, 4]), ramp([1, 5, 2, 4])];
  const got = await runOp({
    type: 'top.MatMul',
    attributes: { hdimIsBatch: true, rightTranspose: true },
    inputs: [a, b, null],
  });
  const perHead = [0, 1].map((head) =>
    multiply(
      (m, k) => at(a, (m * 2 + head) * 4 + k),
      (k, n) => at(b, (n * 2 + head) * 4 + k),
      3,
      4,
      5,
    ),
  );
  // The result keeps heads in the third place: [1, 3, 2, 5].
  const expected = [0, 1, 2].flatMap((m) => perHead.flatMap((matrix) => matrix.slice(m * 5, m * 5 + 5)));
  expect(got[0]!.shape).toEqual([1, 3, 2, 5]);
  expectClose(got[0]!.data, expected);
});

test('a bias of another length is refused', async () => {
  const run = dataOf({ type: 'top.MatMul', inputs: [ramp([2, 3]), ramp([3, 4]), ramp([3])], weightsFrom: 1 });
  await expect(run).rejects.toMatchObject({ code: 'runtime.attribute.unsupported' });
});
