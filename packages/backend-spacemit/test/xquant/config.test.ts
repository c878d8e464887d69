import { parseConfig } from '@q/backend-spacemit/xquant';
import { isQError, type QEvent } from '@q/ir';
import { describe, expect, test } from 'vitest';

const message = (config: Parameters<typeof parseConfig>[0]): string => {
  try {
    parseConfig(config);
  } catch (error) {
    if (isQError(error)) return error.message;
    throw error;
  }
  return '';
};

const warningsOf = (config: Parameters<typeof parseConfig>[0]): string[] => {
  const events: QEvent[] = [];
  parseConfig(config, (event) => events.push(event));
  return events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
};

/** The vendor's sample with two inputs, empty strings and the old spelling of its key. */
const SAMPLE = `{
  // paths of the vendor's example
  "model_parameters": { "onnx_model": "", "output_prefix": "", "working_dir": "", "skip_onnxsim": false },
  "calibration_parameters": {
    "calibration_step": 100, "calibration_device": "cpu", "calibration_type": "default",
    "input_parametres": [
      { "input_name": "data", "input_shape": [1, 3, 224, 224], "dtype": "float32", "file_type": "img",
        "color_format": "bgr", "mean_value": [103.94, 116.78, 123.68], "std_value": [57, 57, 57],
        "preprocess_file": "", "data_list_path": "" },
      { "input_name": "data1", "input_shape": [1, 3, 224, 224], "dtype": "float32", "file_type": "img",
        "mean_value": null, "std_value": null, "preprocess_file": "PT_IMAGENET", "data_list_path": "list.txt" }
    ] },
  "quantization_parameters": {
    "analysis_enable": true, "precision_level": 0, "finetune_level": 1, "max_percentile": 0.9999,
    "custom_setting": [ { "input_names": ["a"], "output_names": ["b"], "precision_level": 2,
                          "max_percentile": null, "calibration_type": "default" } ],
    "truncate_var_names": ["c"], },
}`;

describe('fields and defaults', () => {
  test('an empty configuration', () => {
    expect(parseConfig({})).toEqual({
      model: { skipSimplification: false },
      calibration: { batchSize: 1, step: 500, type: 'default' },
      quantization: {
        precisionLevel: 0,
        finetuneLevel: 1,
        analysisEnable: true,
        customSettings: [],
        truncateVarNames: [],
        ignoreOpTypes: [],
        ignoreOpNames: [],
      },
      extensions: {
        seed: 0,
        strict: false,
        biasFormat: 'float32',
        klMode: 'xslim',
        percentileMode: 'xslim',
        biasCorrection: 'xslim',
        gemmWeight: 'tensor-pow2',
        floatOutputs: false,
        fusions: [],
        ranges: new Map(),
      },
    });
  });

  test('the vendor’s sample: empty strings are absent, comments and trailing commas pass', () => {
    const config = parseConfig(SAMPLE);
    expect(config.model).toEqual({ skipSimplification: false });
    expect(config.calibration.inputs!.map(({ preprocess, dataListPath }) => [preprocess, dataListPath])).toEqual([
      [undefined, undefined],
      ['PT_IMAGENET', 'list.txt'],
    ]);
    expect(config.calibration.inputs![0]).toMatchObject({ colorFormat: 'bgr', mean: [103.94, 116.78, 123.68] });
    expect(config.quantization.customSettings).toEqual([
      { inputNames: ['a'], outputNames: ['b'], precisionLevel: 2, calibrationType: 'default' },
    ]);
    expect(config.quantization.maxPercentile).toBe(0.9999);
  });

  test.each([['input_parameters', 'input_parametres']])('both spellings of the inputs: %s wins over %s', (now, old) => {
    const given = { [now]: [{ input_name: 'new' }], [old]: [{ input_name: 'old' }] };
    expect(parseConfig({ calibration_parameters: given }).calibration.inputs![0]!.inputName).toBe('new');
    expect(warningsOf({ calibration_parameters: given })[0]).toContain('both given');
    expect(parseConfig({ calibration_parameters: { [old]: [{}] } }).calibration.inputs).toHaveLength(1);
  });

  test('aliases, enumerations and extensions', () => {
    const config = parseConfig({
      model_parameters: { output_model_file_prefix: 'm', opset: 17, skip_onnxsim: true },
      calibration_parameters: { calibration_type: 'kl', calibration_batch_size: 8 },
      quantization_parameters: { precision_level: 100, finetune_level: 3, max_percentile: 1, ignore_op_types: ['Add'] },
      q_parameters: {
        seed: 4,
        klMode: 'textbook',
        percentileMode: 'pooled',
        gemmWeight: 'channel',
        floatOutputs: ['y'],
        ranges: { a: [-1, 2] },
      },
    });
    expect(config.model).toEqual({ outputPrefix: 'm', opset: 17, skipSimplification: true });
    expect(config.calibration).toMatchObject({ type: 'kl', batchSize: 8 });
    expect(config.quantization).toMatchObject({ precisionLevel: 100, finetuneLevel: 3, maxPercentile: 1 });
    expect(config.extensions).toMatchObject({
      seed: 4,
      klMode: 'textbook',
      percentileMode: 'pooled',
      floatOutputs: ['y'],
    });
    expect(config.extensions.ranges.get('a')).toEqual([-1, 2]);
  });
});

describe('messages that users search for', () => {
  const inputs = (item: object) => ({ calibration_parameters: { input_parametres: [item] } });
  test.each([
    [{ quantization_parameters: { precision_level: 9 } }, '9 is not a valid PrecisionLevel'],
    [{ quantization_parameters: { finetune_level: 7 } }, '7 is not a valid AutoFinetuneLevel'],
    [{ calibration_parameters: { calibration_type: 'foo' } }, 'calibration_type foo not implemented yet.'],
    [inputs({ file_type: 'bin' }), 'file_type bin not implemented yet.'],
    [inputs({ preprocess_file: 3 }), 'preprocess_file type error, 3 .vs str'],
    [inputs({ data_list_path: [] }), 'data_list_path type error, [] .vs str'],
    [inputs({ mean_value: 'x' }), 'mean_value type error, x .vs str'],
    [inputs({ std_value: 1 }), 'std_value type error, 1 .vs str'],
    [{ calibration_parameters: { input_parameters: [] } }, 'Calibration input_parameters setting not detected.'],
    [{ model_parameters: { opset: '17' } }, "opset type error, <class 'str'> .vs int"],
    [{ model_parameters: { opset: -1 } }, 'opset should be a positive integer.'],
    [{ model_parameters: 3 }, '3 is not an object'],
    [{ quantization_parameters: { max_percentile: 0.2 } }, '0.2 is not in (0.5, 1]'],
    [{ q_parameters: { ranges: { a: [2, 1] } } }, 'the lower bound is not below the upper one'],
    [
      { q_parameters: { fusions: ['qkv', 'yolo'] } },
      'yolo is not yolo_decode, window or qkv [q_parameters.fusions[1]]',
    ],
    [{ q_parameters: { fusions: 'qkv' } }, 'qkv is not a list of yolo_decode, window or qkv [q_parameters.fusions]'],
  ])('%j: %s', (config, text) => {
    expect(message(config)).toContain(text);
  });

  test('all that is wrong at once, with JSON paths', () => {
    try {
      parseConfig({ quantization_parameters: { precision_level: 9 }, ...inputs({ file_type: 'a', mean_value: 1 }) });
      expect.unreachable();
    } catch (error) {
      expect((error as { issues: { where: string }[] }).issues.map(({ where }) => where)).toEqual([
        'calibration_parameters.input_parametres[0].file_type',
        'calibration_parameters.input_parametres[0].mean_value',
        'quantization_parameters.precision_level',
      ]);
    }
  });

  test('fusions', () => {
    expect(parseConfig({ q_parameters: { fusions: ['window', 'qkv'] } }).extensions.fusions).toEqual(['window', 'qkv']);
  });

  test('JSON that is none, with line and column', () => {
    expect(message('{\n  "model_parameters": {,}\n}')).toBe(
      'The configuration is not valid JSON at line 2, column 24.',
    );
  });

  test('warnings', () => {
    expect(warningsOf({ calibration_parameters: { calibration_step: 5 } })).toEqual([
      'Specifies that calibration_step is too large or too small, it should be in [10, 1000].',
    ]);
    expect(warningsOf({ calibration_parameters: { calibration_device: 'cuda' } })).toEqual([
      'Specifies that cuda is used but not detected. Turn to cpu.',
    ]);
    expect(warningsOf({ quantization_parameters: { max_percentile: 0.98 } })).toHaveLength(1);
  });

  test('unknown keys: a warning that suggests, an error when strict', () => {
    const config = { calibration_parameters: { calibration_stepp: 1, input_parametres: [{ inputname: 'x' }] } };
    expect(warningsOf(config)).toEqual([
      'unknown key calibration_stepp is ignored; did you mean calibration_step?',
      'unknown key inputname is ignored; did you mean input_name?',
    ]);
    expect(message({ ...config, q_parameters: { strict: true } })).toContain('unknown key calibration_stepp');
  });
});
