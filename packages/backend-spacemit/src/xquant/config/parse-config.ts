import { type Emit, type Issue, nearest, QError } from '@q/ir';
import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import * as v from 'valibot';
import { type ConfigFile, configSchema, knownKeys, show } from './schema.ts';
import type { CustomSetting, Extensions, InputItem, XquantConfig } from './settings.ts';

/** A configuration as XQuant takes it, as an object or as the text of its JSON file (comments are allowed). */
export type ConfigSource = string | Readonly<Record<string, unknown>>;

/**
 * Reads a configuration of XQuant 1.x or XSlim 2.x (spacemit.md 2). Wrong fields are reported all at once, each with its JSON
 * path; unknown keys are warnings, or errors with `q_parameters.strict`.
 *
 * @throws QError `xquant.config.json`, `xquant.config.value`, `xquant.config.unknown-key`
 */
export function parseConfig(source: ConfigSource, emit: Emit = () => {}): XquantConfig {
  const raw = typeof source === 'string' ? parseText(source) : source;
  const result = v.safeParse(configSchema, raw);
  if (!result.success) throw configError(result.issues.map(issueOf));
  const file = result.output;
  const unknown = unknownKeys(raw);
  if (unknown.length > 0 && file.q_parameters?.strict === true) throw configError(unknown);
  for (const { code, where, found, hint } of unknown) {
    const advice = hint === undefined ? '' : `; ${hint}`;
    emit({ type: 'warning', code, where: where!, message: `unknown key ${found} is ignored${advice}` });
  }
  warnAboutValues(file, emit);
  return resolve(file, emit);
}

function parseText(text: string): unknown {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first === undefined) return value;
  const issues = errors.map(({ error, offset }): Issue => {
    const before = text.slice(0, offset).split('\n');
    const where = `line ${before.length}, column ${before.at(-1)!.length + 1}`;
    return {
      code: 'xquant.config.json',
      where,
      found: printParseErrorCode(error),
      expected: 'JSON (comments allowed)',
    };
  });
  throw new QError(`The configuration is not valid JSON at ${issues[0]!.where}.`, issues[0]!, { issues });
}

function issueOf(issue: v.BaseIssue<unknown>): Issue {
  const where = (issue.path ?? [])
    .map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
  return {
    code: 'xquant.config.value',
    where: where === '' ? 'the configuration' : where,
    found: show(issue.input),
    expected: issue.message,
  };
}

function configError(issues: readonly Issue[]): QError {
  const [first] = issues;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  const text = first!.code === 'xquant.config.value' ? first!.expected : `unknown key ${first!.found}`;
  return new QError(`${text} [${first!.where}]${more}`, first!, { issues });
}

function unknownKeys(raw: unknown, path = ''): Issue[] {
  if (Array.isArray(raw)) return raw.flatMap((item) => unknownKeys(item, path));
  if (typeof raw !== 'object' || raw === null) return [];
  const known = knownKeys(path);
  if (known.length === 0) return [];
  return Object.entries(raw).flatMap(([key, value]): Issue[] => {
    const where = path === '' ? key : `${path}.${key}`;
    if (known.includes(key)) return knownKeys(where).length > 0 ? unknownKeys(value, where) : [];
    const suggestion = nearest(key, known);
    return [
      {
        code: 'xquant.config.unknown-key',
        where,
        found: key,
        ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
      },
    ];
  });
}

/** Calibration steps that the vendor warns about at load and refuses in static mode. */
export const STEP_LIMITS = [10, 1000] as const;

function warnAboutValues(file: ConfigFile, emit: Emit): void {
  const warn = (code: string, where: string, message: string) => emit({ type: 'warning', code, where, message });
  const { calibration_step: step = 500, calibration_device: device } = file.calibration_parameters ?? {};
  if (step < STEP_LIMITS[0] || step > STEP_LIMITS[1]) {
    const text = 'Specifies that calibration_step is too large or too small, it should be in [10, 1000].';
    warn('xquant.config.step', 'calibration_parameters.calibration_step', text);
  }
  if (device?.startsWith('cuda') === true) {
    const text = 'Specifies that cuda is used but not detected. Turn to cpu.';
    warn('xquant.config.device', 'calibration_parameters.calibration_device', text);
  }
  const percentile = file.quantization_parameters?.max_percentile;
  if (percentile !== undefined && percentile < 0.99) {
    warn('xquant.config.percentile', 'quantization_parameters.max_percentile', `max_percentile ${percentile} < 0.99`);
  }
}

function resolve(file: ConfigFile, emit: Emit): XquantConfig {
  const { model_parameters: model = {}, calibration_parameters: calibration = {} } = file;
  const { quantization_parameters: quantization = {} } = file;
  if (calibration.input_parameters !== undefined && calibration.input_parametres !== undefined) {
    const message = 'input_parameters and input_parametres are both given; input_parameters is used';
    emit({ type: 'warning', code: 'xquant.config.both-spellings', where: 'calibration_parameters', message });
  }
  const inputs = calibration.input_parameters ?? calibration.input_parametres;
  return {
    model: {
      ...given('onnxModel', model.onnx_model),
      ...given('outputPrefix', model.output_prefix ?? model.output_model_file_prefix),
      ...given('workingDir', model.working_dir),
      skipSimplification: model.skip_onnxsim ?? false,
      ...given('opset', model.opset),
    },
    calibration: {
      batchSize: Math.max(1, calibration.calibration_batch_size ?? 1),
      step: calibration.calibration_step ?? 500,
      type: calibration.calibration_type ?? 'default',
      ...given('inputs', inputs?.map(inputItem)),
    },
    quantization: {
      precisionLevel: quantization.precision_level ?? 0,
      finetuneLevel: quantization.finetune_level ?? 1,
      analysisEnable: quantization.analysis_enable ?? true,
      ...given('maxPercentile', quantization.max_percentile),
      customSettings: (quantization.custom_setting ?? []).map(customSetting),
      truncateVarNames: quantization.truncate_var_names ?? [],
      ignoreOpTypes: quantization.ignore_op_types ?? [],
      ignoreOpNames: quantization.ignore_op_names ?? [],
    },
    extensions: extensions(file.q_parameters ?? {}),
  };
}

type Present<T> = T extends undefined ? never : T;

/** `{ [key]: value }`, or nothing for an absent value. */
function given<K extends string, T>(key: K, value: T): { readonly [P in K]?: Present<T> } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: Present<T> };
}

type InputFile = NonNullable<NonNullable<ConfigFile['calibration_parameters']>['input_parameters']>[number];

function inputItem(item: InputFile): InputItem {
  return {
    ...given('inputName', item.input_name),
    ...given('inputShape', item.input_shape),
    fileType: item.file_type ?? 'img',
    colorFormat: item.color_format ?? 'bgr',
    ...given('mean', item.mean_value),
    ...given('std', item.std_value),
    ...given('preprocess', item.preprocess_file),
    ...given('dataListPath', item.data_list_path),
    source: item,
  };
}

type CustomFile = NonNullable<NonNullable<ConfigFile['quantization_parameters']>['custom_setting']>[number];

function customSetting(item: CustomFile): CustomSetting {
  return {
    inputNames: item.input_names ?? [],
    outputNames: item.output_names ?? [],
    ...given('precisionLevel', item.precision_level),
    ...given('maxPercentile', item.max_percentile),
    ...given('calibrationType', item.calibration_type),
  };
}

function extensions(file: NonNullable<ConfigFile['q_parameters']>): Extensions {
  return {
    seed: file.seed ?? 0,
    strict: file.strict ?? false,
    biasFormat: file.biasFormat ?? 'float32',
    klMode: file.klMode ?? 'xslim',
    percentileMode: file.percentileMode ?? 'xslim',
    biasCorrection: file.biasCorrection ?? 'xslim',
    gemmWeight: file.gemmWeight ?? 'tensor-pow2',
    floatOutputs: file.floatOutputs ?? false,
    fusions: file.fusions ?? [],
    ranges: new Map(Object.entries(file.ranges ?? {})),
    ...given('maxSeconds', file.maxSeconds),
    ...given('exportTime', file.exportTime),
  };
}
