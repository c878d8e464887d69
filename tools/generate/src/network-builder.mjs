import { attributesWithDefaults, operatorTable } from '@q/ir';
import { Random } from './random.mjs';

/** @typedef {{ scale: number, spread: number, shift: number }} Normalisation What the batch norm behind a convolution would do. */

const count = (shape) => shape.reduce((product, dim) => product * dim, 1);
const f32 = (shape) => ({ shape, dtype: /** @type {const} */ ('f32') });

/**
 * Writes down a float Top graph, operator by operator, with seeded weights. Values are named after the scope they are made
 * in, so a layer keeps its name, and its weights, when others are added elsewhere.
 */
export class NetworkBuilder {
  ops = [];
  values = new Map();
  weights = new Map();
  /** Convolutions that a batch norm follows in the published network; `normalizeByData` folds one in. */
  normalised = new Map();
  /** Classifiers whose logits `normalizeByData` centres and scales. */
  centred = new Map();
  #used = new Map();
  #name;

  constructor(name) {
    this.#name = name;
  }

  /** @returns {readonly number[]} */
  shape(value) {
    return (this.values.get(value) ?? this.weights.get(value).type).shape;
  }

  input(name, shape) {
    this.ops.push({
      type: 'top.Input',
      name,
      inputs: [],
      outputs: [name],
      attributes: attributesWithDefaults('top.Input', {}),
    });
    this.values.set(name, f32(shape));
    return name;
  }

  weight(name, shape, data) {
    this.weights.set(name, { type: f32(shape), data });
    return name;
  }

  /** Adds any operator; results are `name`, or `name_0`, `name_1`, … */
  op(type, wantedName, inputs, given = {}) {
    const name = this.#unique(wantedName);
    const { outputs, attributes } = operatorTable[type].inferShapes({
      attributes: attributesWithDefaults(type, given),
      inputs: inputs.map((input) => (input === null ? null : f32(this.shape(input)))),
      weight: (index) => this.weights.get(inputs[index]),
    });
    const names = outputs.length === 1 ? [name] : outputs.map((_, index) => `${name}_${index}`);
    this.ops.push({
      type,
      name: names[0],
      inputs,
      outputs: names,
      attributes: attributes ?? attributesWithDefaults(type, given),
    });
    for (const [index, output] of names.entries()) this.values.set(output, outputs[index]);
    return outputs.length === 1 ? name : names;
  }

  /**
   * A convolution with He-scaled weights; `norm` says what its batch norm does to the normalised output: scale around `scale`
   * with a spread of its own per channel, and a shift. Without `norm` it keeps its seeded weights and a small bias.
   */
  conv(x, name, { out, kernel = 1, stride = 1, pad = (kernel - 1) >> 1, group = 1, norm, gain = 1 }) {
    const channels = this.shape(x)[1];
    const random = new Random(`${this.#name}/${name}`);
    const fanIn = (channels / group) * kernel * kernel;
    const shape = [out, channels / group, kernel, kernel];
    const filter = this.weight(`${name}.weight`, shape, random.bells(count(shape), gain * Math.sqrt(2 / fanIn)));
    const bias = this.weight(`${name}.bias`, [out], random.bells(out, norm ? 0 : 0.1));
    const attributes = {
      kernelShape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      group,
    };
    const result = this.op('top.Conv', name, [x, filter, bias], attributes);
    if (norm) {
      const scale = Float32Array.from(
        { length: out },
        () => norm.scale * random.uniform(1 - norm.spread, 1 + norm.spread),
      );
      this.normalised.set(result, { filter, bias, scale, shift: random.bells(out, norm.shift) });
    }
    return result;
  }

  /** `deviation`: what the outputs are to vary by from sample to sample (classifiers); without it, seeded weights as they are. */
  linear(x, name, { out, gain = 1, bias = true, deviation }) {
    const random = new Random(`${this.#name}/${name}`);
    const length = this.shape(x).at(-1);
    const filter = this.weight(`${name}.weight`, [length, out], random.bells(length * out, gain / Math.sqrt(length)));
    const operands = bias ? [x, filter, this.weight(`${name}.bias`, [out], random.bells(out, 0.05))] : [x, filter];
    const result = this.op('top.MatMul', name, operands, {});
    if (deviation !== undefined) this.centred.set(result, { filter: operands[1], bias: operands[2], deviation });
    return result;
  }

  layerNorm(x, name) {
    const random = new Random(`${this.#name}/${name}`);
    const length = this.shape(x).at(-1);
    const scale = Float32Array.from({ length }, () => random.uniform(0.5, 1.5));
    const operands = [
      x,
      this.weight(`${name}.weight`, [length], scale),
      this.weight(`${name}.bias`, [length], random.bells(length, 0.1)),
    ];
    return this.op('top.LayerNorm', name, operands, { axis: -1, eps: 1e-6, normalizedShape: [length] });
  }

  relu(x, name, limit = -1) {
    return this.op('top.Relu', name, [x], { reluLimit: limit });
  }

  /** x · σ(x). */
  silu(x, name) {
    return this.op('top.Mul', `${name}.mul`, [x, this.op('top.Sigmoid', `${name}.sigmoid`, [x])]);
  }

  maxPool(x, name, kernel, stride, pads = Array(4).fill(kernel >> 1)) {
    return this.op('top.MaxPool', name, [x], { kernelShape: [kernel, kernel], strides: [stride, stride], pads });
  }

  globalAverage(x, name) {
    const spatial = this.shape(x).slice(2);
    return this.op('top.AvgPool', name, [x], { kernelShape: spatial, strides: [1, 1], pads: [0, 0, 0, 0] });
  }

  reshape(x, name, shape) {
    return this.op('top.Reshape', name, [x], { shape });
  }

  /** @returns {import('@q/ir').Graph} */
  graph(outputs) {
    return {
      name: this.#name,
      state: 'TOP_F32',
      chip: 'ALL',
      platform: 'ONNX',
      ops: this.ops,
      values: this.values,
      weights: this.weights,
      outputs,
      tensorNames: new Map(),
      moduleAttributes: {},
    };
  }

  #unique(name) {
    const times = this.#used.get(name) ?? 0;
    this.#used.set(name, times + 1);
    return times === 0 ? name : `${name}_${times}`;
  }
}
