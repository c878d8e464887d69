import {
  type AttributeSpec,
  type Graph,
  type Op,
  type OpType,
  operatorTable,
  parseMlir,
  printMlir,
  type TensorType,
  type Weight,
} from '@q/ir';
import fc from 'fast-check';
import { expect, it } from 'vitest';

const text = fc.string({ unit: 'binary', maxLength: 6 });
const integer = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const wide = fc.oneof(fc.integer(), fc.bigInt({ min: 2n ** 60n, max: 2n ** 63n - 1n }));
const real = fc.double({ noNaN: true });

function valuesFor(spec: AttributeSpec): fc.Arbitrary<unknown> {
  switch (spec.kind) {
    case 'bool':
      return fc.boolean();
    case 'string':
      return text;
    case 'i64':
    case 'si32':
    case 'i32':
      return integer;
    case 'f64':
      return real;
    case 'i64[]':
    case 'i32[]':
    case 'i32dense[]':
      return fc.array(integer, { maxLength: 4 });
    case 'wide[]':
      return fc.array(wide, { maxLength: 4 });
    case 'f64[]':
      return fc.array(real, { maxLength: 4 });
    case 'string[]':
      return fc.array(text, { maxLength: 3 });
    case 'enum':
      return fc.stringMatching(/^[A-Za-z]\w{0,8}$/);
  }
}

const opTypes = (Object.keys(operatorTable) as OpType[]).filter((type) => type !== 'top.Input');

const tensorType: fc.Arbitrary<TensorType> = fc
  .record({
    shape: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
    quantization: fc.oneof(
      fc.constant(undefined),
      fc.record({ kind: fc.constant('calibrated' as const), min: real, max: real }),
      fc.record({
        kind: fc.constant('uniform' as const),
        expressed: fc.constantFrom('f32', 'f16', 'bf16'),
        scale: real,
        zeroPoint: fc.integer({ min: -128, max: 255 }),
      }),
      fc.record({
        kind: fc.constant('uniform' as const),
        expressed: fc.constant('f32' as const),
        scale: real,
        zeroPoint: fc.nat(3),
        storageRange: fc.constant([-8, 7] as const),
      }),
      fc.array(real, { minLength: 1, maxLength: 3 }).map((scales) => ({
        kind: 'uniformPerAxis' as const,
        expressed: 'f32' as const,
        axis: 1,
        scales,
        zeroPoints: scales.map(() => 0),
      })),
    ),
    dtype: fc.constantFrom('f32', 'f16', 'i8', 'u8', 'i16', 'i32'),
    stored: fc.constantFrom('i8', 'u8', 'i16', 'i4'),
  })
  .map(({ shape, quantization, dtype, stored }) =>
    quantization === undefined
      ? { shape, dtype }
      : { shape, dtype: quantization.kind === 'calibrated' ? 'f32' : stored, quantization },
  ) as fc.Arbitrary<TensorType>;

/** Attributes of an op type: required and defaulted ones always, optional ones sometimes. */
function attributesOf(type: OpType): fc.Arbitrary<Record<string, unknown>> {
  const schema = operatorTable[type].attributes;
  const always = Object.entries(schema)
    .filter(([, spec]) => !spec.optional)
    .map(([key]) => key);
  return fc.record(Object.fromEntries(Object.entries(schema).map(([key, spec]) => [key, valuesFor(spec)])), {
    requiredKeys: always,
  });
}

const opParts = fc.constantFrom(...opTypes).chain((type) =>
  fc.record({
    type: fc.constant(type),
    attributes: attributesOf(type),
    sources: fc.array(fc.nat(), { maxLength: 3 }),
    results: fc.array(fc.option(tensorType, { freq: 5 }), { minLength: 1, maxLength: 3 }),
    weight: fc.option(fc.integer({ min: 1, max: 6 })),
    suffix: text,
  }),
);

/**
 * Operators with an operand that is left out when absent take as many operands as their row has, since their place is
 * told by the count; at the end it is not kept as `null`.
 */
function fitLeftOut(type: OpType, operands: (string | null)[]): void {
  const signature = operatorTable[type].operands ?? [];
  const at = signature.findIndex((name) => name.endsWith('??'));
  if (at < 0) return;
  while (operands.length < signature.length) operands.push(null);
  operands.length = signature.length;
  if (at === signature.length - 1 && operands[at] === null) operands.pop();
}

/** A graph that is well formed as text; the operators' shapes and arities mean nothing. */
const graphs: fc.Arbitrary<Graph> = fc
  .record({
    name: text.filter((value) => value !== ''),
    inputs: fc.array(tensorType, { minLength: 1, maxLength: 2 }),
    parts: fc.array(opParts, { maxLength: 6 }),
  })
  .map(({ name, inputs, parts }) => {
    const ops: Op[] = [];
    const values = new Map<string, TensorType>();
    const weights = new Map<string, Weight>();
    inputs.forEach((type, i) => {
      values.set(`in${i}`, { shape: type.shape, dtype: 'f32' });
      ops.push({
        type: 'top.Input',
        name: `in${i}`,
        inputs: [],
        outputs: [`in${i}`],
        attributes: { doPreprocess: false },
      });
    });
    parts.forEach(({ type, attributes, sources, results, weight, suffix }, i) => {
      const known = [...values.keys()];
      const operands: (string | null)[] = sources.map((source) =>
        source % 4 === 3 ? null : known[source % known.length]!,
      );
      const countTells = operatorTable[type].operands?.some((name) => name.endsWith('??')) ?? false;
      if (weight !== null && !countTells) {
        weights.set(`w${i}`, { type: { shape: [weight], dtype: 'f32' }, data: new Float32Array(weight).fill(i) });
        operands.push(`w${i}`);
      }
      fitLeftOut(type, operands);
      const kept = results.some((result) => result !== null) ? results : [inputs[0]!];
      const outputs = kept.map((result, k) => (result === null ? null : `n${i}_${k}_${suffix}`));
      kept.forEach((result, k) => {
        if (result !== null) values.set(outputs[k]!, result);
      });
      const first = outputs[0] ?? `n${i}_unproduced`;
      // A reader takes the target of a Reshape that has none from its result.
      const target = kept.find((result) => result !== null)!.shape;
      const full = type.endsWith('.Reshape') ? { shape: target, ...attributes } : attributes;
      ops.push({ type, name: first, inputs: operands, outputs, attributes: full } as unknown as Op);
    });
    return {
      name,
      state: 'TOP_F32',
      chip: 'ALL',
      platform: 'ONNX',
      ops,
      values,
      weights,
      outputs: [[...values.keys()].at(-1)!],
      tensorNames: new Map(),
      moduleAttributes: { 'module.FLOPs': { kind: 'int', value: 12, type: 'i64' } },
    } satisfies Graph;
  });

it('parse(print(graph)) is the graph, and printing again gives the same text', () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const { text: printed, weights } = printMlir(graph, { weightFile: 'a/b/w.npz' });
      const back = parseMlir(printed, weights);
      expect({ ...back, ops: back.ops.map((op) => ({ ...op })) }).toEqual(graph);
      expect(printMlir(back, { weightFile: 'w.npz' }).text).toBe(printed);
    }),
    { numRuns: 300 },
  );
});
