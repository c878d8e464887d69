import { elementCount } from '../../dtype.ts';
import { type LayerConverter, refuse } from '../conversion.ts';
import { flag, integer, message } from '../fields.ts';

/** (N, K) · (K, OC): the bottom is flattened behind its first dimension, the filter (OC, K) transposed. */
const innerProduct: LayerConverter = (layer, to) => {
  const parameters = message(layer.fields, 'inner_product_param');
  if (integer(parameters, 'axis', 1) !== 1) refuse(layer, 'another axis than 1', 'axis 1');
  const input = to.operand(layer);
  const [rows = 1, ...rest] = to.shape(input);
  const [K, OC] = [elementCount(rest), integer(parameters, 'num_output', 0)];
  if (OC < 1) refuse(layer, `num_output ${OC}`, 'at least one output');
  const flat = `${layer.bottoms[0]}_reshape`;
  const known = to.builder.values.has(flat);
  if (!known) to.add('top.Reshape', { name: flat, inputs: [input, null], attributes: { shape: [rows, K] } });
  const right = flag(parameters, 'transpose', false)
    ? to.weight(layer, 0, [K, OC])
    : to.constant(`${layer.name}_filter`, [K, OC], transposed(to.blob(layer, 0, K * OC), OC, K));
  const bias = flag(parameters, 'bias_term', true) ? to.weight(layer, 1, [OC]) : null;
  to.finish(layer, 'top.MatMul', { inputs: [flat, right, bias] });
};

function transposed(data: Float32Array, rows: number, columns: number): () => Float32Array {
  return () => {
    const result = new Float32Array(data.length);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) result[column * rows + row] = data[row * columns + column]!;
    }
    return result;
  };
}

export const innerProductLayers = { InnerProduct: innerProduct };
