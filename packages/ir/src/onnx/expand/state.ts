import { floatAttribute, intAttribute, stringAttribute } from '../onnx-graph.ts';
import { type Expander, type Expansion, float, int, ints, notExpanded } from './expansion.ts';

/** Swish(gate) · value (opset 28). */
const swiGlu: Expander = (node, to) => {
  const swish = to.add('Swish', [to.input(0)], { alpha: float(floatAttribute(node, 'alpha', 1)) });
  to.finish('Mul', [swish, to.input(1)]);
};

const ACTIVATIONS = ['none', 'silu', 'swish'];

/** Depthwise convolution over time that goes on where the last call stopped (opset 27): the state is put in front, its new end kept. */
const causalConvolution: Expander = (node, to) => {
  const activation = stringAttribute(node, 'activation', 'none');
  if (!ACTIVATIONS.includes(activation)) throw notExpanded(node, `activation ${activation}`, ACTIVATIONS.join(', '));
  const [batch, channels, length] = to.shape(to.input(0)) as [number, number, number];
  const kept = to.shape(to.input(1))[2]! - 1;
  const zeros = () => to.floats(new Array<number>(batch * channels * kept).fill(0), [batch, channels, kept]);
  const state = to.has(3) ? to.input(3) : zeros();
  const all = kept === 0 ? to.input(0) : to.add('Concat', [state, to.input(0)], { axis: { kind: 'int', value: 2n } });
  const operands = [all, to.input(1), ...(to.has(2) ? [to.input(2)] : [])];
  const attributes = { group: { kind: 'int', value: BigInt(channels) }, kernel_shape: ints([kept + 1]) } as const;
  if (activation === 'none') to.finish('Conv', operands, attributes);
  else to.finish('Swish', [to.add('Conv', operands, attributes)]);
  if (!to.wants(1)) return;
  if (kept === 0)
    to.finish('Reshape', [zeros(), to.ints([batch, channels, 0])], { allowzero: { kind: 'int', value: 1n } }, 1);
  else to.finish('Identity', [to.slice(all, 2, length, length + kept)], {}, 1);
};

interface LinearSizes {
  readonly batch: number;
  readonly heads: number;
  /** Query heads that share a key head. */
  readonly sharing: number;
  readonly keySize: number;
  readonly valueSize: number;
}

/** Longer sequences make a graph that nobody can quantize. */
const MOST_STEPS = 4096;

const UPDATE_RULES = ['linear', 'gated', 'delta', 'gated_delta'];

/** A state of one matrix per head, updated token by token (opset 27): written out for every token. */
const linearAttention: Expander = (node, to) => {
  const rule = stringAttribute(node, 'update_rule', 'gated_delta');
  if (!UPDATE_RULES.includes(rule)) throw notExpanded(node, `update_rule ${rule}`, UPDATE_RULES.join(', '));
  const [batch, steps, queryWidth] = to.shape(to.input(0)) as [number, number, number];
  if (steps > MOST_STEPS) throw notExpanded(node, `${steps} tokens`, `at most ${MOST_STEPS}`);
  const [queryHeads, heads] = [intAttribute(node, 'q_num_heads', 1), intAttribute(node, 'kv_num_heads', 1)];
  const sizes = {
    batch,
    heads,
    sharing: queryHeads / heads,
    keySize: queryWidth / queryHeads,
    valueSize: to.shape(to.input(2))[2]! / heads,
  };
  const scale = floatAttribute(node, 'scale', 0) || 1 / Math.sqrt(sizes.keySize);
  const stateShape = [batch, heads, sizes.keySize, sizes.valueSize];
  const count = stateShape.reduce((product, dim) => product * dim, 1);
  let state = to.has(3) ? to.input(3) : to.floats(new Array<number>(count).fill(0), stateShape);
  const results = Array.from({ length: steps }, (_, step) => {
    state = nextState(to, state, { step, rule, sizes });
    const query = token(to, 0, step, [batch, heads, sizes.sharing, sizes.keySize]);
    const read = to.add('Mul', [to.add('MatMul', [query, state]), to.floats(scale)]);
    return to.reshape(read, [batch, 1, queryHeads * sizes.valueSize]);
  });
  to.finish(results.length === 1 ? 'Identity' : 'Concat', results, { axis: int(1) });
  to.finish('Identity', [state], {}, 1);
};

/** Input `index` of one token as [batch, heads, …]. */
function token(to: Expansion, index: number, step: number, shape: readonly number[]): string {
  return to.reshape(to.slice(to.input(index), 1, step, step + 1), shape);
}

/** exp(decay) · state + beta · key ⊗ (value − what the state has for the key). */
function nextState(
  to: Expansion,
  before: string,
  { step, rule, sizes }: { readonly step: number; readonly rule: string; readonly sizes: LinearSizes },
): string {
  const { batch, heads, keySize, valueSize } = sizes;
  const perHead = (index: number) => [batch, to.shape(to.input(index))[2]! === 1 ? 1 : heads, 1, 1];
  const column = token(to, 1, step, [batch, heads, keySize, 1]);
  let state = before;
  if (rule.startsWith('gated')) {
    const isPerKey = to.shape(to.input(4))[2] === heads * keySize;
    const decay = token(to, 4, step, isPerKey ? [batch, heads, keySize, 1] : perHead(4));
    state = to.add('Mul', [state, to.add('Exp', [decay])]);
  }
  let update = token(to, 2, step, [batch, heads, 1, valueSize]);
  if (rule.endsWith('delta')) {
    const known = to.add('MatMul', [token(to, 1, step, [batch, heads, 1, keySize]), state]);
    update = to.add('Mul', [to.add('Sub', [update, known]), token(to, 5, step, perHead(5))]);
  }
  return to.add('Add', [state, to.add('MatMul', [column, update])]);
}

/** Operators of networks that work token by token. */
export const stateExpanders: Readonly<Record<string, Expander>> = {
  SwiGLU: swiGlu,
  CausalConvWithState: causalConvolution,
  LinearAttention: linearAttention,
};
