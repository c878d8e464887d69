import { readFileSync } from 'node:fs';
import { type CalibrationOptions, calibrate, compareTables, layersOutside, quantizedTypes } from '@q/calib';
import { openDataset, zipSource } from '@q/dataset';
import { type Graph, parseCalibrationTable, parseQuantizeTable, printCalibrationTable } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { describe, expect, it } from 'vitest';
import { readDebugCommand } from '../src/commands/run-calibration-debug.ts';
import { testModel } from './q-process.ts';

/** Recorded with TPU-MLIR itself; see the READMEs beside the files. */
const recorded = (file: string): string => readFileSync(testModel(file), 'utf8');
const thirds = (value: number): number[] => [value, value, value];

function network(name: string, mean: number, scale: number): Graph {
  return importOnnx(readFileSync(testModel(`${name}/${name}.onnx`)), {
    name,
    preprocess: { pixelFormat: 'rgb', mean: thirds(mean), scale: thirds(scale) },
  });
}

async function comparedWith(file: string, graph: Graph, images: string, options: CalibrationOptions) {
  const source = zipSource(readFileSync(testModel(images)), images);
  const dataset = await openDataset({ source, graph, inputNum: options.inputNum ?? 20 });
  const { table } = await calibrate(graph, dataset, options);
  const text = printCalibrationTable(table);
  return { text, comparison: compareTables(parseCalibrationTable(recorded(file)), parseCalibrationTable(text)) };
}

describe('--debug_cmd of run_calibration of TPU-MLIR v1.17 on objects-cnn', () => {
  const graph = network('objects-cnn', 127.5, 0.0078431);
  const folder = 'objects-cnn/tpu-mlir-1.17';
  const images = 'objects-cnn/calibration.zip';

  it.each([
    ['tune_steps=7', 'tune_steps_7_cali_table'],
    ['find_lower_th', 'find_lower_th_cali_table'],
  ])('%s: the same table', async (words, file) => {
    const { tuner } = readDebugCommand(words);
    const { comparison } = await comparedWith(`${folder}/${file}`, graph, images, { tuner });
    expect([comparison.missing, comparison.extra]).toEqual([[], []]);
    expect(comparison.summary!.threshold.worst).toBeLessThan(1e-6);
    // Not the table without the switch.
    const plain = parseCalibrationTable(recorded(`${folder}/kl_tune5_cali_table`));
    expect(
      compareTables(plain, parseCalibrationTable(recorded(`${folder}/${file}`))).summary!.threshold.worst,
    ).toBeGreaterThan(0.01);
  });

  it('not_use_fp32_tensor_as_ref: the same table up to where rounding decides', async () => {
    const { tuner } = readDebugCommand('not_use_fp32_tensor_as_ref');
    const file = `${folder}/not_use_fp32_tensor_as_ref_cali_table`;
    const { comparison } = await comparedWith(file, graph, images, { tuner });
    const off = comparison.rows.filter(({ threshold }) => threshold > 1e-6);
    // A last bit of a convolution moves a code, and codes add up from layer to layer: single steps of single scans.
    expect(off.length).toBeLessThanOrEqual(3);
    expect(comparison.summary!.threshold.worst).toBeLessThan(0.03);
    const plain = compareTables(
      parseCalibrationTable(recorded(`${folder}/kl_tune5_cali_table`)),
      parseCalibrationTable(recorded(file)),
    );
    expect(plain.rows.filter(({ threshold }) => threshold > 1e-6).length).toBeGreaterThan(8);
  });

  it('keys are read in any case, with values; methods override', () => {
    expect(readDebugCommand('USE_MSE;Min_Tuned_Diff=0.5;dump_list;debug_log;print_debug_info;max_sampling=3')).toEqual({
      method: 'mse',
      int4: false,
      fp8: false,
      dumpList: true,
      debugLog: true,
      clusterOneByOne: false,
      tuner: { minDifference: 0.5 },
      notes: [expect.stringMatching(/print_debug_info/), expect.stringMatching(/max_sampling/)],
    });
    expect(readDebugCommand('fp8;use_torch_observer_for_cali;tune_steps=3')).toMatchObject({ fp8: true });
    expect(readDebugCommand('use_torch_observer_for_cali;observer_type=x=y').method).toBe('torch_observer');
    expect(readDebugCommand('input_calibration_table=a=b').inputTable).toBe('a=b');
  });
});

describe('quantize tables and asymmetric groups of TPU-MLIR v1.17', () => {
  it('--part_quantize Relu Add: the same layers stay in float', () => {
    const { rows } = parseQuantizeTable(recorded('objects-cnn/tpu-mlir-1.17/part_quantize_relu_add_qtable'));
    const graph = network('objects-cnn', 127.5, 0.0078431);
    expect(layersOutside(graph, quantizedTypes(['Relu', 'Add']))).toEqual([...rows.keys()]);
  });

  it('--part_asymmetric on scenes-yolov8: the same table and section', async () => {
    const file = 'scenes-yolov8/tpu-mlir-1.17/part_asymmetric_cali_table';
    const graph = network('scenes-yolov8', 0, 0.0039216);
    const images = 'scenes-yolov3-tiny/calibration.zip';
    const { text, comparison } = await comparedWith(file, graph, images, { partAsymmetric: true, inputNum: 10 });
    expect([comparison.missing, comparison.extra]).toEqual([[], []]);
    const { threshold, min, max } = comparison.summary!;
    expect(Math.max(threshold.worst, min.worst, max.worst)).toBeLessThan(1e-5);
    expect(text.split('#asym_op')[1]).toBe(recorded(file).split('#asym_op')[1]);
  });
});
