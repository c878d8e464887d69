import { defaulted, own } from '../attribute-schema.ts';
import { elementCount } from '../dtype.ts';
import { row } from './row.ts';
import { f32, shapeMismatch } from './shape-rules.ts';

export const attentionRows = {
  /**
   * softmax(scale · query · keyᵀ + mask) · value over [batch, heads, length, size]; a scale of 0 means 1 / √size (ir.md 6.2).
   * A query that the mask keeps from every key gives zeros. `softcap` (ours): scores become cap · tanh(score / cap) before the
   * mask is added.
   */
  'top.ScaleDotProductAttention': row({
    attributes: {
      dropoutP: defaulted('f64', 'dropout_p', 0),
      isCausal: defaulted('bool', 'is_causal', false),
      scale: defaulted('f64', 'scale', 0),
      softcap: own('f64', 'softcap'),
    } as const,
    operands: ['query', 'key', 'value', 'mask?'],
    inferShapes({ inputs }) {
      const [query, key, value] = inputs.slice(0, 3).map((input) => input!.shape) as [number[], number[], number[]];
      const ranks = [query, key, value].every((shape) => shape.length === 4);
      const fits = ranks && [0, 1].every((axis) => query[axis] === key[axis] && key[axis] === value[axis]);
      if (!fits || query[3] !== key[3] || key[2] !== value[2]) {
        shapeMismatch([query, key, value], 'query [B,H,S,D], key [B,H,T,D] and value [B,H,T,E]');
      }
      return { outputs: [f32([...query.slice(0, 3), value[3]!])] };
    },
    macs({ inputs }, outputs) {
      const [query, key] = [inputs[0]!.shape, inputs[1]!.shape];
      return elementCount(query) * key[2]! + elementCount(outputs[0]!.shape) * key[2]!;
    },
  }),
} as const;
