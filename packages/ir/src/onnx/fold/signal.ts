import { intAttribute, numbersOf, type OnnxNode } from '../onnx-graph.ts';
import { type Constant, elementTypeOf } from '../tensor-data.ts';
import { allocateElements, writeElement } from './constant-array.ts';
import type { Evaluator } from './evaluate.ts';

function constantOf(node: OnnxNode, shape: readonly number[], values: readonly number[]): Constant {
  const elementType = elementTypeOf(intAttribute(node, 'output_datatype', 1)) ?? 'f32';
  const data = allocateElements(elementType, values.length);
  values.forEach((value, index) => {
    writeElement(data, elementType, index, value);
  });
  return { shape, elementType, data };
}

/** Σ (−1)ᵏ aₖ cos(2πk n / N), N the length of a periodic window, one less of a symmetric one. */
const cosineWindow =
  (...coefficients: readonly number[]): Evaluator =>
  ([size], node) => {
    const length = numbersOf(size!)[0]!;
    const period = intAttribute(node, 'periodic', 1) !== 0 ? length : length - 1;
    const values = Array.from({ length }, (_, n) =>
      coefficients.reduce((sum, a, k) => sum + (-1) ** k * a * Math.cos((2 * Math.PI * k * n) / period), 0),
    );
    return [constantOf(node, [length], values)];
  };

const melOf = (hertz: number) => 2595 * Math.log10(1 + hertz / 700);
const hertzOf = (mel: number) => 700 * (10 ** (mel / 2595) - 1);

/** Triangles over the bins of a spectrum, their corners equally spaced on the mel scale (ONNX MelWeightMatrix). */
const melWeightMatrix: Evaluator = (inputs, node) => {
  const [bands, length, rate, lower, upper] = inputs.map((input) => numbersOf(input!)[0]!) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const bins = Math.floor(length / 2) + 1;
  const [first, last] = [melOf(lower), melOf(upper)];
  const corners = Array.from({ length: bands + 2 }, (_, index) => {
    const mel = (index * (last - first)) / (bands + 2) + first;
    return Math.floor(((length + 1) * hertzOf(mel)) / rate);
  });
  const values = Array.from({ length: bins * bands }, (_, at) => {
    const [bin, band] = [Math.floor(at / bands), at % bands];
    const [from, peak, to] = corners.slice(band, band + 3) as [number, number, number];
    if (from === peak && bin === peak) return 1;
    if (bin >= from && bin <= peak && from !== peak) return (bin - from) / (peak - from);
    return bin >= peak && bin < to ? (to - bin) / (to - peak) : 0;
  });
  return [constantOf(node, [bins, bands], values)];
};

/** Constant evaluation of the tables of signal processing. */
export const signalEvaluators: Readonly<Record<string, Evaluator>> = {
  HannWindow: cosineWindow(0.5, 0.5),
  HammingWindow: cosineWindow(25 / 46, 21 / 46),
  BlackmanWindow: cosineWindow(0.42, 0.5, 0.08),
  MelWeightMatrix: melWeightMatrix,
};
