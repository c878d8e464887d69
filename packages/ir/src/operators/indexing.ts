import { defaulted, optional, own, required } from '../attribute-schema.ts';
import { row } from './row.ts';
import { broadcastShapes, f32, frontAxis, likeInput } from './shape-rules.ts';

const cumulativeAttributes = {
  axis: required('i64', 'axis'),
  /** Ours: the element itself does not count; from the end. */
  exclusive: own('bool', 'exclusive'),
  reverse: own('bool', 'reverse'),
} as const;

export const indexingRows = {
  /** `keepdims` is false when the index was a 0-d scalar: the axis then vanishes. */
  'top.Gather': row({
    attributes: {
      axis: defaulted('si32', 'axis', 0),
      keepdims: defaulted('bool', 'keepdims', true),
      isScalar: defaulted('bool', 'is_scalar', false),
      isLora: defaulted('bool', 'is_lora', false),
    } as const,
    operands: ['input', 'indices'],
    inferShapes({ attributes, inputs }) {
      const [data, indices] = [inputs[0]!.shape, inputs[1]!.shape];
      const axis = frontAxis(attributes.axis, data.length);
      const picked = attributes.keepdims ? indices : [];
      const shape = [...data.slice(0, axis), ...picked, ...data.slice(axis + 1)];
      return { outputs: [f32(shape)], attributes: { ...attributes, axis, isScalar: shape.length === 0 } };
    },
  }),
  'top.GatherElements': row({
    attributes: { axis: defaulted('i64', 'axis', 2) } as const,
    operands: ['input', 'indices'],
    inferShapes: ({ inputs }) => ({ outputs: [f32(inputs[1]!.shape)] }),
  }),
  'top.GatherND': row({
    attributes: { batchDims: defaulted('i64', 'batch_dims', 0), indiceDims: optional('i64', 'indice_dims') } as const,
    operands: ['input', 'indices'],
    inferShapes({ attributes, inputs }) {
      const [data, indices] = [inputs[0]!.shape, inputs[1]!.shape];
      const rest = data.slice(attributes.batchDims + indices.at(-1)!);
      return { outputs: [f32([...indices.slice(0, -1), ...rest])] };
    },
  }),
  'top.ScatterElements': row({
    attributes: { axis: required('i64', 'axis'), reduction: defaulted('i64', 'reduction', 0) } as const,
    operands: ['input', 'indices', 'updates'],
    inferShapes: likeInput,
  }),
  'top.ScatterND': row({
    attributes: { reduction: defaulted('i32', 'reduction', 0) } as const,
    operands: ['input', 'indices', 'updates'],
    inferShapes: likeInput,
  }),
  /** Operands: input, k?. Results: values?, indices?. */
  'top.TopK': row({
    attributes: {
      axis: required('i64', 'axis'),
      K: defaulted('i64', 'K', -1),
      largest: defaulted('bool', 'largest', true),
      sorted: defaulted('bool', 'sorted', true),
      replaceTopkIndices: defaulted('bool', 'replace_topk_indices', false),
    } as const,
    operands: ['input', 'kT??'],
    results: ['values?', 'indices?'],
    inferShapes({ attributes, inputs, weight }) {
      const { shape } = inputs[0]!;
      const axis = frontAxis(attributes.axis, shape.length);
      const K = attributes.K >= 0 ? attributes.K : Number(weight(1)?.data[0] ?? shape[axis]);
      const type = f32(shape.with(axis, Math.min(K, shape[axis]!)));
      return { outputs: [type, type], attributes: { ...attributes, axis, K } };
    },
  }),
  'top.NonZero': row({
    attributes: { order: required('string', 'order') } as const,
    operands: ['input'],
    // The count depends on the data: the bound is what a buffer needs.
    inferShapes({ attributes, inputs }) {
      const { shape } = inputs[0]!;
      const count = shape.reduce((product, dim) => product * dim, 1);
      return { outputs: [f32(attributes.order === 'ColMajor' ? [shape.length, count] : [count, shape.length])] };
    },
  }),
  'top.CumSum': row({ attributes: cumulativeAttributes, operands: ['input', 'dim?'], inferShapes: likeInput }),
  /** Ours: the running product. */
  'top.CumProd': row({ attributes: cumulativeAttributes, operands: ['input', 'dim?'], inferShapes: likeInput }),
  /** Ours: And, Or, Xor of two operands, Not of one, on integer codes of at most 16 bits. */
  'top.Bitwise': row({
    attributes: {
      mode: required('string', 'mode'),
      /** Width of unsigned codes; 0: signed. */ unsignedBits: defaulted('i64', 'unsigned_bits', 0),
    } as const,
    operands: ['inputs...'],
    inferShapes: ({ inputs }) => ({ outputs: [f32(broadcastShapes(inputs.map((input) => input!.shape)))] }),
  }),
  /** Ours: determinants of square matrices. */
  'top.Det': row({
    attributes: {} as const,
    operands: ['input'],
    inferShapes: ({ inputs }) => ({ outputs: [f32(inputs[0]!.shape.slice(0, -2))] }),
  }),
  'top.Trilu': row({
    attributes: { upper: required('si32', 'upper'), diagonal: required('si32', 'diagonal') } as const,
    operands: ['input'],
    inferShapes: likeInput,
  }),
  'top.Shape': row({
    attributes: {
      start: optional('i64', 'start'),
      end: optional('i64', 'end'),
      step: optional('i64', 'step'),
    } as const,
    operands: ['input'],
    inferShapes: ({ attributes, inputs }) => ({
      outputs: [f32([inputs[0]!.shape.slice(attributes.start ?? 0, attributes.end).length])],
    }),
  }),
  /** A tensor of one value; the operand is its shape. */
  'top.ConstantFill': row({
    attributes: { value: required('f64', 'value') } as const,
    operands: ['shape'],
    inferShapes: ({ weight }) => ({ outputs: [f32(Array.from(weight(0)?.data ?? [1], Number))] }),
  }),
  'top.Range': row({
    attributes: {} as const,
    operands: ['start?', 'limit', 'delta?'],
    inferShapes({ weight }) {
      const number = (index: number, fallback: number) => Number(weight(index)?.data[0] ?? fallback);
      const length = Math.ceil((number(1, 0) - number(0, 0)) / number(2, 1));
      return { outputs: [f32([Math.max(0, length)])] };
    },
  }),
} as const;
