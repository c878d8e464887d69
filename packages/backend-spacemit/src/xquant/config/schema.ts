import * as v from 'valibot';

/** Words that a check answers with: the vendor's own where users search for them (spacemit.md 2.7). */
const words = {
  bool: (value: unknown) => `${show(value)} is not true or false`,
  number: (value: unknown) => `${show(value)} is not a number`,
  whole: (value: unknown) => `${show(value)} is not a whole number`,
  text: (value: unknown) => `${show(value)} is not a string`,
  names: (value: unknown) => `${show(value)} is not a list of strings`,
};

export function show(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
}

/** The vendor's text of a wrong JSON type; it says str for lists, too. */
const typeError = (field: string) => (issue: { readonly input: unknown }) =>
  `${field} type error, ${show(issue.input)} .vs str`;

/** An optional field: absent, null and the empty string mean the same. */
const optional = <T extends v.GenericSchema>(schema: T) =>
  v.optional(
    v.pipe(
      v.unknown(),
      v.transform((value) => (value === null || value === '' ? undefined : value)),
      v.optional(schema),
    ),
  );

const text = (message?: (issue: { readonly input: unknown }) => string) =>
  optional(v.string(message ?? ((issue) => words.text(issue.input))));
const flag = () => optional(v.boolean((issue) => words.bool(issue.input)));
const whole = () =>
  optional(
    v.pipe(
      v.number((issue) => words.number(issue.input)),
      v.integer((issue) => words.whole(issue.input)),
    ),
  );
const names = () =>
  optional(
    v.array(
      v.string((issue) => words.text(issue.input)),
      (issue) => words.names(issue.input),
    ),
  );
const numbers = (field: string) =>
  optional(
    v.array(
      v.number((issue) => words.number(issue.input)),
      typeError(field),
    ),
  );
const choice = <const T extends readonly (string | number)[]>(
  options: T,
  message: (issue: { readonly input: unknown }) => string,
) => optional(v.picklist(options, message));

export const CALIBRATION_TYPES = ['default', 'kl', 'minmax', 'percentile', 'mse'] as const;
const calibrationType = () =>
  choice(CALIBRATION_TYPES, (issue) => `calibration_type ${show(issue.input)} not implemented yet.`);

/** Percentiles below a half would turn the range around. */
const percentile = () =>
  optional(
    v.pipe(
      v.number((issue) => words.number(issue.input)),
      v.check(
        (value) => value > 0.5 && value <= 1,
        (issue) => `${show(issue.input)} is not in (0.5, 1]`,
      ),
    ),
  );

const opset = optional(
  v.pipe(
    v.number((issue) => `opset type error, <class '${pythonType(issue.input)}'> .vs int`),
    v.check(
      (value) => Number.isInteger(value) && value > 0,
      () => 'opset should be a positive integer.',
    ),
  ),
);

function pythonType(value: unknown): string {
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  return Array.isArray(value) ? 'list' : 'dict';
}

const section = <T extends v.ObjectEntries>(entries: T) =>
  optional(v.looseObject(entries, (issue) => `${show(issue.input)} is not an object`));

const inputItem = v.looseObject(
  {
    input_name: text(),
    input_shape: optional(v.array(v.nullable(v.number((issue) => words.number(issue.input))))),
    dtype: text(),
    file_type: choice(['img', 'npy', 'raw'], (issue) => `file_type ${show(issue.input)} not implemented yet.`),
    color_format: text(),
    mean_value: numbers('mean_value'),
    std_value: numbers('std_value'),
    preprocess_file: text(typeError('preprocess_file')),
    data_list_path: text(typeError('data_list_path')),
  },
  (issue) => `${show(issue.input)} is not an object`,
);

const inputList = () =>
  optional(
    v.pipe(
      v.array(inputItem, (issue) => `${show(issue.input)} is not a list`),
      v.minLength(1, 'Calibration input_parameters setting not detected.'),
    ),
  );

const customSetting = v.looseObject({
  input_names: names(),
  output_names: names(),
  precision_level: whole(),
  max_percentile: percentile(),
  calibration_type: calibrationType(),
});

const FUSIONS = ['yolo_decode', 'window', 'qkv'] as const;
const FUSION_LIST = 'yolo_decode, window or qkv';

const interval = v.pipe(
  v.tuple([v.number(), v.number()]),
  v.check(
    ([low, high]) => low < high,
    () => 'the lower bound is not below the upper one',
  ),
);

/** The whole file. Unknown keys are kept, so that they can be reported. */
export const configSchema = v.looseObject(
  {
    model_parameters: section({
      onnx_model: text(),
      output_prefix: text(),
      output_model_file_prefix: text(),
      working_dir: text(),
      skip_onnxsim: flag(),
      opset,
    }),
    calibration_parameters: section({
      calibration_batch_size: whole(),
      calibration_step: whole(),
      calibration_device: text(),
      calibration_type: calibrationType(),
      input_parameters: inputList(),
      input_parametres: inputList(),
    }),
    quantization_parameters: section({
      precision_level: choice([0, 1, 2, 3, 4, 100], (issue) => `${show(issue.input)} is not a valid PrecisionLevel`),
      finetune_level: choice([0, 1, 2, 3], (issue) => `${show(issue.input)} is not a valid AutoFinetuneLevel`),
      analysis_enable: flag(),
      max_percentile: percentile(),
      custom_setting: optional(v.array(customSetting, (issue) => `${show(issue.input)} is not a list`)),
      truncate_var_names: names(),
      ignore_op_types: names(),
      ignore_op_names: names(),
    }),
    q_parameters: section({
      seed: whole(),
      strict: flag(),
      biasFormat: choice(['float32', 'int32'], (issue) => `${show(issue.input)} is not float32 or int32`),
      klMode: choice(['xslim', 'textbook'], (issue) => `${show(issue.input)} is not xslim or textbook`),
      percentileMode: choice(['xslim', 'pooled'], (issue) => `${show(issue.input)} is not xslim or pooled`),
      biasCorrection: choice(['xslim', 'full'], (issue) => `${show(issue.input)} is not xslim or full`),
      gemmWeight: choice(['tensor-pow2', 'channel'], (issue) => `${show(issue.input)} is not tensor-pow2 or channel`),
      floatOutputs: optional(v.union([v.boolean(), v.array(v.string())])),
      fusions: optional(
        v.array(
          v.picklist(FUSIONS, (issue) => `${show(issue.input)} is not ${FUSION_LIST}`),
          (issue) => `${show(issue.input)} is not a list of ${FUSION_LIST}`,
        ),
      ),
      ranges: optional(v.record(v.string(), interval)),
      maxSeconds: optional(
        v.pipe(
          v.number((issue) => words.number(issue.input)),
          v.gtValue(0, 'maxSeconds is above 0'),
        ),
      ),
      exportTime: text(),
    }),
  },
  (issue) => `${show(issue.input)} is not an object`,
);

export type ConfigFile = v.InferOutput<typeof configSchema>;

/** Keys that the schema knows, by JSON path without indices. */
export function knownKeys(path: string): readonly string[] {
  return KNOWN.get(path) ?? [];
}

const entriesOf = (schema: { readonly entries: v.ObjectEntries }) => Object.keys(schema.entries);
const sections = {
  model_parameters: ['onnx_model', 'output_prefix', 'output_model_file_prefix', 'working_dir', 'skip_onnxsim', 'opset'],
  calibration_parameters: [
    'calibration_batch_size',
    'calibration_step',
    'calibration_device',
    'calibration_type',
    'input_parameters',
    'input_parametres',
  ],
  quantization_parameters: [
    'precision_level',
    'finetune_level',
    'analysis_enable',
    'max_percentile',
    'custom_setting',
    'truncate_var_names',
    'ignore_op_types',
    'ignore_op_names',
  ],
  q_parameters: [
    'seed',
    'strict',
    'biasFormat',
    'klMode',
    'percentileMode',
    'biasCorrection',
    'gemmWeight',
    'floatOutputs',
    'fusions',
    'ranges',
    'maxSeconds',
    'exportTime',
  ],
};
const KNOWN = new Map<string, readonly string[]>([
  ['', entriesOf(configSchema)],
  ...Object.entries(sections),
  ['calibration_parameters.input_parameters', entriesOf(inputItem)],
  ['calibration_parameters.input_parametres', entriesOf(inputItem)],
  ['quantization_parameters.custom_setting', entriesOf(customSetting)],
]);
