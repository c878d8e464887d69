import { floatAttribute, intAttribute } from '../onnx-graph.ts';
import { type Expander, type Expansion, float, int } from './expansion.ts';

/** Heads of an operand: [B, S, H · D] split and turned to [B, H, S, D]; four dimensions stay. */
function heads(to: Expansion, tensor: string, count: number): string {
  const shape = to.shape(tensor);
  if (shape.length === 4) return tensor;
  const [batch, length, width] = shape as [number, number, number];
  return to.transpose(to.reshape(tensor, [batch, length, count, width / count]), [0, 2, 1, 3]);
}

interface Sizes {
  readonly batch: number;
  readonly queryHeads: number;
  readonly keyHeads: number;
  readonly queries: number;
  /** Keys before this block (a cache inside the graph). */
  readonly past: number;
  readonly keys: number;
  readonly headSize: number;
  readonly valueSize: number;
}

function sizesOf(to: Expansion): Sizes {
  const [q, k, v] = [to.shape(to.input(0)), to.shape(to.input(1)), to.shape(to.input(2))];
  const past = to.has(4) ? to.shape(to.input(4))[2]! : 0;
  const { source } = to;
  if (q.length === 4) {
    const [batch, queryHeads, queries, headSize] = q as [number, number, number, number];
    return { batch, queryHeads, keyHeads: k[1]!, queries, past, keys: past + k[2]!, headSize, valueSize: v[3]! };
  }
  const queryHeads = intAttribute(source, 'q_num_heads', 1);
  const keyHeads = intAttribute(source, 'kv_num_heads', 1);
  const [batch, queries, width] = q as [number, number, number];
  const keys = past + k[1]!;
  return {
    ...{ batch, queryHeads, keyHeads, queries, past, keys },
    headSize: width / queryHeads,
    valueSize: v[2]! / keyHeads,
  };
}

/** Group query attention: every key head serves several query heads. */
function repeatHeads(
  to: Expansion,
  tensor: string,
  { batch, queryHeads, keyHeads, keys }: Sizes,
  size: number,
): string {
  const times = queryHeads / keyHeads;
  if (times === 1) return tensor;
  const wide = to.expand(to.reshape(tensor, [batch, keyHeads, 1, keys, size]), [batch, keyHeads, times, keys, size]);
  return to.reshape(wide, [batch, queryHeads, keys, size]);
}

/** What is added to the scores before the softmax: 0 where a query may look at a key, −∞ where not, and the given mask. */
function biasOf(to: Expansion, sizes: Sizes): string | undefined {
  const parts = [givenMask(to, sizes), ...positionMasks(to, sizes), paddingMask(to, sizes)].filter(
    (part) => part !== undefined,
  );
  return parts.reduce<string | undefined>(
    (sum, part) => (sum === undefined ? part : to.add('Add', [sum, part])),
    undefined,
  );
}

const allow = (to: Expansion, condition: string) =>
  to.add('Where', [condition, to.floats(0), to.floats(Number.NEGATIVE_INFINITY)]);

function givenMask(to: Expansion, { keys }: Sizes): string | undefined {
  if (!to.has(3)) return undefined;
  const { shape, elementType } = to.type(to.input(3));
  const bias = elementType === 'bool' ? allow(to, to.input(3)) : to.input(3);
  const missing = keys - shape.at(-1)!;
  if (missing === 0) return bias;
  const width = [...shape.slice(0, -1), missing];
  const count = width.reduce((product, dim) => product * dim, 1);
  const rest = to.floats(new Array<number>(count).fill(Number.NEGATIVE_INFINITY), width);
  return to.add('Concat', [bias, rest], { axis: int(-1) });
}

/**
 * Query i is at position i + offset (the length of the cache) and sees the keys from `left` before it to `right` behind it;
 * a causal query sees nothing behind it.
 */
function positionMasks(to: Expansion, sizes: Sizes): (string | undefined)[] {
  const isCausal = intAttribute(to.source, 'is_causal', 0) !== 0;
  const [left, right] = ['left_window_size', 'right_window_size'].map((name) => intAttribute(to.source, name, -1));
  const behind = isCausal ? 0 : right!;
  const { batch, queries, keys, past } = sizes;
  const distance = Array.from({ length: queries * keys }, (_, index) => (index % keys) - Math.floor(index / keys));
  if (behind < 0 && left! < 0) return [];
  if (!to.has(6) || to.has(4)) {
    const isSeen = (value: number) => (behind < 0 || value <= past + behind) && (left! < 0 || value >= past - left!);
    return [
      to.floats(
        distance.map((value) => (isSeen(value) ? 0 : Number.NEGATIVE_INFINITY)),
        [queries, keys],
      ),
    ];
  }
  // A cache outside of the operator: its length differs from sample to sample.
  const offset = to.reshape(to.add('Sub', [to.cast(to.input(6), 'f32'), to.floats(queries)]), [batch, 1, 1, 1]);
  const distances = to.floats(distance, [1, 1, queries, keys]);
  const bound = (operator: string, shift: number) =>
    allow(to, to.add(operator, [distances, to.add('Add', [offset, to.floats(shift)])]));
  return [
    behind < 0 ? undefined : bound('LessOrEqual', behind),
    left! < 0 ? undefined : bound('GreaterOrEqual', -left!),
  ];
}

/** Keys beyond the number of valid ones of each sample. */
function paddingMask(to: Expansion, { batch, keys }: Sizes): string | undefined {
  if (!to.has(6)) return undefined;
  const positions = to.floats(
    Array.from({ length: keys }, (_, index) => index),
    [1, 1, 1, keys],
  );
  const lengths = to.reshape(to.cast(to.input(6), 'f32'), [batch, 1, 1, 1]);
  return allow(to, to.add('Less', [positions, lengths]));
}

/**
 * Attention (opset 23 to 25) as one layer, `top.ScaleDotProductAttention`: caches are joined in front of it, grouped heads repeated, and
 * all that keeps a query from a key is one mask. Only where somebody reads the scores, it is written with matrix products.
 */
const attention: Expander = (node, to) => {
  const sizes = sizesOf(to);
  const query = heads(to, to.input(0), sizes.queryHeads);
  const joined = [1, 2].map((index) => {
    const current = heads(to, to.input(index), sizes.keyHeads);
    return to.has(index + 3) ? to.add('Concat', [to.input(index + 3), current], { axis: int(2) }) : current;
  }) as [string, string];
  joined.forEach((value, index) => {
    if (to.wants(index + 1)) to.finish('Identity', [value], {}, index + 1);
  });
  const key = repeatHeads(to, joined[0], sizes, sizes.headSize);
  const value = repeatHeads(to, joined[1], sizes, sizes.valueSize);
  const scale = floatAttribute(node, 'scale', 1 / Math.sqrt(sizes.headSize));
  const softcap = floatAttribute(node, 'softcap', 0);
  const bias = biasOf(to, sizes);
  let inputs = [query, key, value, ...(bias === undefined ? [] : [bias])];
  let opType = 'ScaleDotProductAttention';
  if (to.wants(3)) {
    inputs = [scores(to, { query, key, bias, scale, softcap }), value];
    opType = 'MatMul';
  }
  const attributes = to.wants(3) ? {} : { scale: float(scale), ...(softcap > 0 ? { softcap: float(softcap) } : {}) };
  if (to.shape(to.input(0)).length === 4) {
    to.finish(opType, inputs, attributes);
    return;
  }
  const result = to.transpose(to.add(opType, inputs, attributes), [0, 2, 1, 3]);
  const shape = [sizes.batch, sizes.queries, sizes.queryHeads * sizes.valueSize];
  to.finish('Reshape', [result, to.ints(shape)]);
};

interface Scores {
  readonly query: string;
  readonly key: string;
  readonly bias: string | undefined;
  readonly scale: number;
  readonly softcap: number;
}

/** Softmax(softcap(scale · q · kᵀ) + bias), one of its steps as a further result: 0 the product, 1 capped, 2 with the bias, 3 all. */
function scores(to: Expansion, { query, key, bias, scale, softcap }: Scores): string {
  const scaled = to.add('Mul', [query, to.floats(scale)]);
  const raw = to.add('MatMul', [scaled, to.transpose(key, [0, 1, 3, 2])]);
  const mode = intAttribute(to.source, 'qk_matmul_output_mode', 0);
  const capped =
    softcap > 0 ? to.add('Mul', [to.add('Tanh', [to.add('Div', [raw, to.floats(softcap)])]), to.floats(softcap)]) : raw;
  const biased = bias === undefined ? capped : to.add('Add', [capped, bias]);
  const weights = withoutBlindRows(to, biased, to.add('Softmax', [biased], { axis: int(-1) }), bias !== undefined);
  // The releases of ONNX differ in what mode 1 is where nothing is capped: the first ones added the bias.
  const results = [raw, softcap > 0 ? capped : biased, biased, weights];
  to.finish('Identity', [results[mode]!], {}, 3);
  return weights;
}

/** Queries that a mask keeps from every key have weights of zero, not NaN. */
function withoutBlindRows(to: Expansion, scores: string, weights: string, isMasked: boolean): string {
  if (!isMasked) return weights;
  const isBlind = to.add('Equal', [to.reduce('ReduceMax', scores, [3]), to.floats(Number.NEGATIVE_INFINITY)]);
  return to.add('Where', [isBlind, to.floats(0), weights]);
}

/** Rotary position embedding (opset 23): pairs of features turned by an angle that depends on the position. */
const rotaryEmbedding: Expander = (node, to) => {
  const original = to.shape(to.input(0));
  const flat = original.length === 3;
  const count = flat ? intAttribute(node, 'num_heads', 1) : original[1]!;
  const [batch, length] = flat ? [original[0]!, original[1]!] : [original[0]!, original[2]!];
  const size = flat ? original[2]! / count : original[3]!;
  const x = flat ? to.reshape(to.input(0), [batch, length, count, size]) : to.transpose(to.input(0), [0, 2, 1, 3]);
  const rotated = intAttribute(node, 'rotary_embedding_dim', 0) || size;
  const half = rotated / 2;
  const table = (index: number) => {
    const cache = to.input(index);
    const picked = to.has(3) ? to.add('Gather', [cache, to.input(3)], { axis: int(0) }) : cache;
    return to.add('Unsqueeze', [picked, to.ints([2])]);
  };
  const [cos, sin] = [table(1), table(2)];
  const turning = rotated === size ? x : to.slice(x, 3, 0, rotated);
  const interleaved = intAttribute(node, 'interleaved', 0) !== 0;
  const part = (index: number) =>
    interleaved
      ? to.add('Slice', [turning, to.ints([index]), to.ints([rotated]), to.ints([3]), to.ints([2])])
      : to.slice(turning, 3, index * half, (index + 1) * half);
  const [first, second] = [part(0), part(1)];
  const product = (a: string, b: string) => to.add('Mul', [a, b]);
  const real = to.add('Sub', [product(cos, first), product(sin, second)]);
  const imaginary = to.add('Add', [product(sin, first), product(cos, second)]);
  const turned = joinHalves(to, real, imaginary, { interleaved, shape: [batch, length, count, rotated] });
  const all = rotated === size ? turned : to.add('Concat', [turned, to.slice(x, 3, rotated, size)], { axis: int(3) });
  if (flat) to.finish('Reshape', [all, to.ints(original)]);
  else to.finish('Transpose', [all], { perm: { kind: 'ints', value: [0n, 2n, 1n, 3n] } });
};

function joinHalves(
  to: Expansion,
  real: string,
  imaginary: string,
  { interleaved, shape }: { interleaved: boolean; shape: readonly number[] },
): string {
  if (!interleaved) return to.add('Concat', [real, imaginary], { axis: int(3) });
  const pairs = [real, imaginary].map((value) => to.add('Unsqueeze', [value, to.ints([4])]));
  return to.reshape(to.add('Concat', pairs, { axis: int(4) }), shape);
}

export const attentionExpanders: Readonly<Record<string, Expander>> = {
  Attention: attention,
  RotaryEmbedding: rotaryEmbedding,
};
