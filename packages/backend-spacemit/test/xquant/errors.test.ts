import {
  type ConfigSource,
  type DataSources,
  outputNames,
  parseConfig,
  quantizeOnnxModel,
} from '@q/backend-spacemit/xquant';
import { isQError, writeNpy } from '@q/ir';
import { editOnnx } from '@q/ir/onnx';
import { describe, expect, test } from 'vitest';
import { Tape } from '../../src/xquant/tune/gradient/tape.ts';
import { accept } from '../../src/xquant/tune/learned-steps.ts';
import { noise } from '../graph-builder.ts';
import { branchesOnnx, configOf, noiseData, tinyOnnx } from './networks.ts';

const tensor = writeNpy({ shape: [1, 1, 2, 2], dtype: 'f32', data: Float32Array.of(-1, 0.5, 1, 2) });
const lists: Readonly<Record<string, string>> = { 'a.txt': 'a.npy\n\n b.npy \n', 'empty.txt': '\n \n' };
const sources: DataSources = {
  readList: async (path) => lists[path],
  read: async () => tensor,
  loadHook: async (file, name) => {
    if (name !== 'load') throw new Error(`${file} has no ${name}`);
    return (files, item) => ({ data: files.map((_, k) => k + Number(item.offset ?? 0)), dims: [1, 1, 2, 2] });
  },
};

async function failure(config: ConfigSource, model = tinyOnnx()): Promise<string> {
  try {
    await quantizeOnnxModel(config, model, { sources });
  } catch (error) {
    if (isQError(error)) return error.message;
    throw error;
  }
  return '';
}

const item = { input_name: 'x', file_type: 'npy', data_list_path: 'a.txt' };
const fast = { calibration_type: 'minmax' };

describe('messages of a run (spacemit.md 2.7)', () => {
  test.each([
    ['no inputs', {}, 'Calibration input_parameters setting not detected.'],
    [
      'two items',
      configOf({ input_parametres: [item, item] }),
      'Calibration input_parametres size should equal to model inputs size.',
    ],
    ['no list', configOf({ input_parametres: [{ ...item, data_list_path: 'none.txt' }] }), 'none.txt'],
    [
      'an empty list',
      configOf({ input_parametres: [{ ...item, data_list_path: 'empty.txt' }] }),
      'Calibration input x finds 0 items.',
    ],
    ['few steps', configOf({ calibration_step: 5 }), 'Insufficient Calibration Detected, '],
    ['many steps', configOf({ calibration_step: 5000 }), 'Calibration steps is too large, '],
    [
      'a Python hook',
      configOf({ input_parametres: [{ ...item, preprocess_file: 'p.py:f' }] }),
      'preprocess_file p.py:f cannot be used.',
    ],
    [
      'too small a batch',
      configOf({ input_parametres: [item], calibration_batch_size: 8 }),
      'do not fill one batch of 8',
    ],
    [
      'a cut twice',
      configOf({ ...fast, input_parametres: [item] }, { truncate_var_names: ['f', 'f'] }),
      'The incoming truncate_var_names contains duplicate tensor names',
    ],
    [
      'a cut nowhere',
      configOf({ ...fast, input_parametres: [item] }, { truncate_var_names: ['p', 'ff'] }),
      'The incoming truncate_var_names contains non-existent tensor names p, ff',
    ],
    [
      'an unknown tensor',
      configOf(
        { ...fast, input_parametres: [item] },
        { custom_setting: [{ input_names: ['q'], output_names: ['y'] }] },
      ),
      'var name q not in the graph.',
    ],
    [
      'constants only',
      configOf(
        { ...fast, input_parametres: [item] },
        { custom_setting: [{ input_names: ['w'], output_names: ['y'] }] },
      ),
      'input_names and output_names should be set.',
    ],
  ])('%s', async (_, config, text) => {
    expect(await failure(config)).toContain(text);
  });

  test('a cut that leaves a branch whole', async () => {
    const config = configOf(
      { ...fast, input_parametres: [{ ...item, data_list_path: null }] },
      { truncate_var_names: ['gap'] },
    );
    expect(await failure(config, branchesOnnx())).toBe('truncate graph failed.');
  });

  test('a quantized model is not quantized again', async () => {
    const { model } = await quantizeOnnxModel(configOf(fast, { analysis_enable: false }), branchesOnnx(), {
      data: noiseData('x', 768, 2),
    });
    expect(await failure(configOf({ input_parametres: [item] }), model)).toMatch(
      /^Static quantization does not support input models that already contain QuantizeLinear or DequantizeLinear nodes; quantized models cannot be quantized again\. Found unsupported nodes: /,
    );
  });
});

describe('messages of parts', () => {
  test('an analysis that fails costs the report, not the model', async () => {
    const emit = (event: { type: string; task?: string }) => {
      if (event.task === 'Analysing Dequantized') throw new Error('no room');
    };
    const { model, report, summary } = await quantizeOnnxModel(configOf(fast), branchesOnnx(), {
      data: noiseData('x', 768, 2),
      emit,
    });
    expect(model.length).toBeGreaterThan(0);
    expect(report).toBeUndefined();
    expect(summary.warnings).toEqual(['quantize analysis failed and skiped. (no room)']);
  });

  test('shapes that nobody gives', async () => {
    const open = editOnnx(tinyOnnx(), ({ graph }) => {
      const dims = graph!.input![0]!.type!.tensorType!.shape!.dim!;
      delete dims[2]!.dimValue;
      dims[2]!.dimParam = 'height';
    });
    expect(await failure(configOf({ ...fast, input_parametres: [item] }), open)).toBe(
      'Calibration input_parametres.shape or Model input shape should be vaild for var x',
    );
    const shaped = configOf({ ...fast, input_parametres: [{ ...item, input_shape: [1, 1, 2, 2] }] });
    expect(await failure(shaped, open)).toBe('');
  });

  test('ignored types and names that match nothing: warnings, one error when strict', async () => {
    const wrong = { finetune_level: 0, ignore_op_types: ['Conv', 'Tanh'], ignore_op_names: ['fcc', 'y'] };
    const config = configOf({ ...fast, input_parametres: [item] }, wrong);
    const { summary } = await quantizeOnnxModel(config, tinyOnnx(), { sources });
    expect(summary.warnings).toEqual(['Tanh matches no operator', 'fcc matches no operator']);
    expect(Object.keys(summary.floatOps)).toEqual(['ignore_op_types', 'ignore_op_names']);
    const strict = { ...config, q_parameters: { strict: true } };
    await expect(quantizeOnnxModel(strict, tinyOnnx(), { sources })).rejects.toMatchObject({
      code: 'xquant.ignore.unmatched',
      found: 'Tanh, fcc',
    });
  });

  test('FP16 of a network with codes', async () => {
    const half = { quantization_parameters: { precision_level: 4 } };
    const { model } = await quantizeOnnxModel(configOf(fast, { analysis_enable: false }), branchesOnnx(), {
      data: noiseData('x', 768, 2),
    });
    expect(await failure(half, model)).toMatch(
      /^FP16 Convert Failed!: Unsupported op (Q|Deq)uantizeLinear\[.+\] with fp16 inputs$/,
    );
  });

  test('a scale that learning drives through zero keeps its value, with the original’s text', () => {
    const messages: string[] = [];
    const state = { parameters: new Map([['v', { scale: 0.5, zeroPoint: 3 }]]), filterScales: new Map() };
    const node = (data: number[]) => new Tape().node([data.length], Float32Array.from(data));
    const program = { filters: new Map(), filterScales: new Map(), steps: new Map([['0.5 3', node([-0.1])]]) };
    const tuned = { program, asked: new Map([['v', '0.5 3']]), before: 1, after: 0 };
    accept(tuned, {
      weights: new Map(),
      state,
      emit: (event) => event.type === 'warning' && messages.push(event.message),
    });
    expect(messages).toEqual(['tqc.scale for v < 0, you can change fintune_level <= 1.']);
    expect(state.parameters.get('v')).toEqual({ scale: 0.5, zeroPoint: 3 });
  });
});

describe('calibration data', () => {
  test('lists skip blank lines; a hook gets the paths and the item', async () => {
    const warnings: string[] = [];
    const emit = (event: { type: string; message?: string }) =>
      event.type === 'warning' && warnings.push(event.message!);
    const plain = await quantizeOnnxModel(
      configOf({ ...fast, input_parametres: [{ ...item, mean_value: [1] }] }),
      tinyOnnx(),
      { sources, emit },
    );
    expect(plain.report!.rows.find(({ tensor: name }) => name === 'x')!.floatRange).toEqual([-1, 2]);
    expect(warnings.join()).toContain('not used for npy files');
    const hooked = {
      ...item,
      file_type: 'img',
      preprocess_file: 'hook.mjs:load',
      offset: 3,
      input_shape: [1, 1, 2, 2],
    };
    // The hook gives one number per file; the network wants four.
    expect(await failure(configOf({ ...fast, input_parametres: [hooked] }))).toContain('have 1 elements');
  });

  test('without a list one tensor of zeros stands in, with a warning', async () => {
    const { summary } = await quantizeOnnxModel(
      configOf({ ...fast, input_parametres: [{ input_name: 'x' }] }),
      tinyOnnx(),
      { sources },
    );
    expect(summary.warnings.join()).toContain('one tensor of zeros');
  });

  test('values that are not finite are refused by name', async () => {
    const data = { length: 1, batch: async () => new Map([['x', noise(768).fill(3e38)]]) };
    await expect(quantizeOnnxModel(configOf(fast), branchesOnnx(), { data })).rejects.toMatchObject({
      code: 'xquant.non-finite',
    });
  });
});

describe('names of the files', () => {
  const names = (model: object, given: Parameters<typeof outputNames>[1] = {}) =>
    outputNames(parseConfig({ model_parameters: model }), given);
  test.each([
    [{ onnx_model: 'd/a.onnx' }, {}, 'd', 'a.q'],
    [{ onnx_model: 'd/a.onnx', output_prefix: 'm' }, {}, 'd', 'm'],
    [{ onnx_model: 'd/a.onnx', working_dir: 'w' }, {}, 'w', 'a.q'],
    [{ working_dir: 'w' }, { modelPath: 'd/a.onnx' }, 'w', 'a'],
    // In its own folder it would overwrite the float model.
    [{ working_dir: 'd' }, { modelPath: 'd/a.onnx' }, 'd', 'a.q'],
    [{ onnx_model: 'd/a.onnx' }, { outputPath: 'out', outputIsFolder: true }, 'out', 'a.q'],
    [{ onnx_model: 'd/a.onnx' }, { outputPath: 'out/b.onnx' }, 'out', 'b'],
    [{}, {}, undefined, 'xquant.q'],
  ])('%j and %j', (model, given, folder, prefix) => {
    expect(names(model, given)).toEqual({ folder, prefix });
  });
});
