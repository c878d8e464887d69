// Rows and names recorded with TPU-MLIR v1.17 (run_calibration of objects-vit, 4 images, mse; model_transform of small networks).
import { describe, expect, it } from 'vitest';
import {
  calibrationTableFor,
  namedLayers,
  parseCalibrationTable,
  parseQuantizeTable,
  planFromTables,
  quantizeTableFor,
  rowsByLayer,
} from '../src/index.ts';
import { floats, importModel, int64s, node } from './onnx/build-model.ts';

const block = '/blocks/blocks.0/attention';
const recorded = [
  `${block}/Split_output_0_Split_new 2.7525922 -2.8366053 2.7756183`,
  `${block}/Squeeze_output_0_Squeeze_new 2.7525922 -2.8366053 2.7756183`,
  `${block}/Squeeze_1_output_0_Squeeze_new_permute_for_${block}/Transpose_1_output_0_Transpose 3.2158976 -3.4861567 3.4770019`,
  `${block}/Squeeze_output_0_Squeeze_new_permute_for_${block}/MatMul_output_0_MatMul 2.7525922 -2.8366053 2.7756183`,
];
const layers = [
  `${block}/Split_output_0_Split_r_new`,
  `${block}/Squeeze_output_0_Squeeze_r_new`,
  `${block}/Squeeze_1_output_0_Squeeze_r_new_r_permute_for_${block}/Transpose_1_output_0_Transpose`,
  `${block}/Squeeze_output_0_Squeeze_r_new_r_permute_for_${block}/MatMul_output_0_MatMul`,
];

/** The names that rows of `spelled` have for layers `known`. */
const named = (spelled: readonly string[], known: readonly string[]) => [
  ...rowsByLayer(new Map(spelled.map((name) => [name, name])), known).keys(),
];

describe('names of layers as TPU-MLIR 1.17 spells them', () => {
  it('are the layers that they mean', () => {
    const { rows } = parseCalibrationTable(recorded.join('\n'));
    const found = rowsByLayer(rows, layers);
    expect([...found.keys()]).toEqual(layers);
    expect(found.get(layers[2]!)).toEqual({ threshold: 3.2158976, min: -3.4861567, max: 3.4770019 });
    const others = {
      '683_Concat_Depth2Space': '683_Concat_r_Depth2Space',
      t_Transpose_expand0: 't_Transpose_r_expand0',
      g0_Gather_new_permute_for_s_MatMul_reshape3: 'g0_Gather_r_new_r_permute_for_s_MatMul_r_reshape3',
      r_Relu_Reshape: 'r_Relu_r_Reshape',
    };
    expect(named(Object.keys(others), ['r_Relu', ...Object.values(others)])).toEqual(Object.values(others));
  });

  it('are themselves where a layer or another row has the name', () => {
    expect(named(['x_new'], ['x_r_new', 'x_new'])).toEqual(['x_new']);
    expect(named(['x_new', 'x_r_new'], ['x_r_new'])).toEqual(['x_new', 'x_r_new']);
    expect(named(['x_r_new', 'y'], ['x_new', 'y'])).toEqual(['x_r_new', 'y']);
  });

  it('are nothing where two layers fit, or none', () => {
    const two = ['x_r_new_r_permute_for_y', 'x_new_r_permute_for_y'];
    expect(named(['x_new_permute_for_y'], two)).toEqual(['x_new_permute_for_y']);
    expect(named(['x_new_permute_for_y'], two.slice(0, 1))).toEqual(two.slice(0, 1));
    expect(named(['a_Conv', 'a_newer_Conv'], ['a_r_Conv', 'a_r_newer_Conv'])).toEqual(['a_Conv', 'a_newer_Conv']);
  });

  it("take no Reshape of the model's own for one of import", () => {
    expect(named(['x_Reshape'], ['x_r_Reshape'])).toEqual(['x_Reshape']);
    expect(named(['x_Relu_Reshape'], ['x_Relu', 'x_Relu_r_Reshape'])).toEqual(['x_Relu_r_Reshape']);
  });
});

describe('tables of TPU-MLIR 1.17', () => {
  const graph = importModel({
    inputs: { x: [2, 3, 4, 5, 6] },
    outputs: ['y'],
    initializers: { one: floats([1], [2]), sh: int64s([-1]) },
    nodes: [
      node('Relu', ['x'], ['r']),
      node('Transpose', ['r'], ['t'], { perm: [2, 0, 3, 1, 4] }),
      node('Sigmoid', ['t'], ['y']),
    ],
  });
  const layer = 't_Transpose_r_expand0';
  const older = 't_Transpose_expand0';
  const blocks = `#int4_th\n${older} 1 -1 1\n#asym_op\n${older}\n#int4_op\n${older}\n#weight_scale\n${older}_weight 1 0.5 \n`;
  const calibrationTable = parseCalibrationTable(`r_Relu 1 0 1\n${older} 2 0 2\nother 3 0 3\n\n${blocks}`);
  const quantizeTable = parseQuantizeTable(`# c\nr_Relu F16\n# group\n${older} F32\nother BF16\n`);

  it('have the names of the network in all their blocks', () => {
    const { rows, sections } = calibrationTableFor(graph, calibrationTable);
    expect([...rows.keys()]).toEqual(['r_Relu', layer, 'other']);
    expect([...sections.int4.keys()]).toEqual([layer]);
    expect(sections.asymmetricOps).toEqual([layer]);
    expect(sections.int4Ops).toEqual([layer]);
    expect(sections.weightScales).toEqual(new Map([[`${layer}_weight`, [0.5]]]));
    const table = quantizeTableFor(graph, quantizeTable);
    expect([...table.rows.keys()]).toEqual(['r_Relu', layer, 'other']);
    expect(table.comments).toEqual(new Map([[layer, ['# group']]]));
    expect(namedLayers(graph, [older, 'other'])).toEqual([layer, 'other']);
  });

  it('make the plan of the network that is given with them', () => {
    const sources = { processor: 'bm1684x', precision: 'INT8', calibrationTable, quantizeTable } as const;
    const plan = planFromTables({ ...sources, graph });
    expect(plan.values.get(layer)).toEqual({ threshold: 2, min: 0, max: 2 });
    expect(plan.ops.get(layer)?.precision).toBe('F32');
    expect(plan.sections?.int4Ops).toEqual([layer]);
    expect([...plan.ops.keys(), ...plan.values.keys()]).not.toContain(older);
    expect([...planFromTables(sources).values.keys()]).toContain(older);
  });
});
