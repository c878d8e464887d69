import { decodeImage } from '@q/dataset';
import { type Emit, elementCount, type Graph, inputsOf, QError, readNpy } from '@q/ir';
import type { InputItem, XquantConfig } from '../config/settings.ts';
import { itemOf } from '../prepare/read-model.ts';
import type { CalibrationData } from './calibration-data.ts';
import { imageToTensor } from './preprocess.ts';

/** A user's own preprocessing: the files of one batch and the input item as configured, to a tensor with its batch. */
export type PreprocessHook = (
  files: readonly string[],
  item: Readonly<Record<string, unknown>>,
) => HookTensor | Promise<HookTensor>;

export interface HookTensor {
  readonly data: ArrayLike<number>;
  readonly dims: readonly number[];
}

/** What the data are read from; the command line gives files, a page whatever it has. */
export interface DataSources {
  /** Text of a data list, or undefined when there is no such file. */
  readList(path: string): Promise<string | undefined>;
  /** Bytes of a line of a list. `listPath` is what relative lines start from. */
  read(path: string, listPath: string): Promise<Uint8Array>;
  /** The function that `file:function` names. */
  loadHook?(file: string, name: string): Promise<PreprocessHook>;
  /** A line of a list as hooks get it. */
  resolve?(path: string, listPath: string): string;
}

interface Input {
  readonly name: string;
  readonly shape: readonly number[];
  readonly item: InputItem;
  readonly files: readonly string[] | undefined;
  readonly hook: PreprocessHook | undefined;
}

/**
 * Opens the calibration data that a configuration names (spacemit.md 4).
 *
 * @throws QError `xquant.data.inputs`, `.list-missing`, `.empty`, `.batch`, `.hook`
 */
export async function openCalibrationData(
  graph: Graph,
  config: XquantConfig,
  sources: DataSources,
  emit: Emit = () => {},
): Promise<CalibrationData> {
  const items = requireItems(graph, config);
  const names = inputsOf(graph).map(({ name }) => name);
  const inputs: Input[] = [];
  for (const [index, name] of names.entries()) {
    const item = itemOf(items, name, index, names)!;
    warnAboutItem(item, name, emit);
    inputs.push({
      name,
      item,
      shape: graph.values.get(name)!.shape,
      files: item.dataListPath === undefined ? undefined : await readList(item.dataListPath, name, sources),
      hook: await hookOf(item, sources),
    });
  }
  const batch = batchOf(inputs, config);
  const samples = sampleCount(inputs);
  if (inputs.every(({ files }) => files === undefined)) {
    const message = 'no data_list_path: the network is calibrated on one tensor of zeros, ranges are meaningless';
    emit({ type: 'warning', code: 'xquant.data.zeros', where: 'calibration_parameters', message });
  }
  const used = Math.min(Math.floor(samples / batch), config.calibration.step) * batch;
  const own = ownBatch(inputs, batch, emit);
  const length = Math.floor(used / own);
  if (length === 0) throw tooFew(samples, Math.max(batch, own));
  return {
    length,
    async batch(i) {
      const loaded = inputs.map(async (input) => [input.name, await loadBatch(input, i, own, sources)] as const);
      return new Map(await Promise.all(loaded));
    },
  };
}

/** Files per run: shapes are static here, so that a batch of another size than the network's is run in the network's own. */
function ownBatch(inputs: readonly Input[], batch: number, emit: Emit): number {
  const [first] = inputs;
  const own = first!.item.fileType === 'img' && inputs.length === 1 ? first!.shape[0]! : 1;
  if (batch !== own) {
    const message = `calibration_batch_size ${batch}: the network takes ${own} at a time, percentiles are averaged over those`;
    emit({ type: 'warning', code: 'xquant.data.batch-size', where: 'calibration_parameters', message });
  }
  return own;
}

function requireItems(graph: Graph, config: XquantConfig): readonly InputItem[] {
  const items = config.calibration.inputs;
  const expected = inputsOf(graph).length;
  const where = 'calibration_parameters.input_parametres';
  if (items === undefined) {
    throw new QError('Calibration input_parameters setting not detected.', {
      code: 'xquant.data.inputs',
      where,
      expected: `${expected} item(s), one per network input`,
    });
  }
  if (items.length === expected) return items;
  const names = inputsOf(graph).map(({ name }) => name);
  throw new QError(
    `Calibration input_parametres size should equal to model inputs size. (${items.length} items, ${expected} inputs)`,
    { code: 'xquant.data.inputs', where, found: `${items.length} items`, expected: `one each for ${names.join(', ')}` },
  );
}

function warnAboutItem(item: InputItem, name: string, emit: Emit): void {
  if (item.fileType === 'img' || (item.mean === undefined && item.std === undefined)) return;
  const message = `mean_value and std_value of ${name} are not used for ${item.fileType} files`;
  emit({ type: 'warning', code: 'xquant.data.mean-unused', where: name, message });
}

async function readList(path: string, input: string, sources: DataSources): Promise<string[]> {
  const text = await sources.readList(path);
  if (text === undefined) {
    const hint = 'data_list_path must name an existing file';
    throw new QError(path, { code: 'xquant.data.list-missing', where: input, found: path, expected: 'a file', hint });
  }
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length > 0) return lines;
  throw new QError(`Calibration input ${input} finds 0 items.`, {
    code: 'xquant.data.empty',
    where: path,
    expected: 'one path per line',
  });
}

async function hookOf({ preprocess }: InputItem, sources: DataSources): Promise<PreprocessHook | undefined> {
  if (preprocess === undefined || preprocess === 'IMAGENET' || preprocess === 'PT_IMAGENET') return undefined;
  const at = preprocess.lastIndexOf(':');
  const [file, name] = [preprocess.slice(0, Math.max(0, at)), preprocess.slice(at + 1)];
  const isModule = /\.(mjs|js|mts|ts)$/.test(file);
  if (!isModule || name === '' || sources.loadHook === undefined) {
    throw new QError(`preprocess_file ${preprocess} cannot be used.`, {
      code: 'xquant.data.hook',
      where: 'preprocess_file',
      found: preprocess,
      expected: 'PT_IMAGENET, IMAGENET or module.mjs:function',
      hint: file.endsWith('.py')
        ? 'Python is not run here: write the tensors to npy files (file_type npy), or export the function from an ES module'
        : 'the function of an ES module gets (files, item) and answers { data, dims }',
    });
  }
  return sources.loadHook(file, name);
}

/** spacemit.md 4.3. */
function batchOf(inputs: readonly Input[], config: XquantConfig): number {
  if (config.calibration.batchSize > 1) return config.calibration.batchSize;
  const [first] = inputs;
  return inputs.length === 1 && first!.item.fileType === 'img' ? first!.shape[0]! : 1;
}

/** The shortest list counts; lists of one line are repeated when there are several inputs. */
function sampleCount(inputs: readonly Input[]): number {
  const counts = inputs.map(({ files }) => files?.length ?? 1);
  const several = counts.filter((count) => count > 1);
  return counts.length > 1 && several.length > 0 ? Math.min(...several) : Math.min(...counts);
}

function tooFew(samples: number, batch: number): QError {
  return new QError(`${samples} calibration sample(s) do not fill one batch of ${batch}.`, {
    code: 'xquant.data.batch',
    where: 'calibration_parameters.calibration_batch_size',
    found: `${samples} samples`,
    expected: `at least ${batch}`,
  });
}

async function loadBatch(input: Input, i: number, batch: number, sources: DataSources): Promise<Float32Array> {
  const { files, shape, item, hook } = input;
  const size = elementCount(shape);
  if (files === undefined) return new Float32Array(size);
  const chosen = Array.from({ length: batch }, (_, k) => files[(i * batch + k) % files.length]!);
  const list = item.dataListPath!;
  if (hook !== undefined) {
    const paths = chosen.map((file) => sources.resolve?.(file, list) ?? file);
    const { data, dims } = await hook(paths, item.source);
    return fitted(Float32Array.from(data), input, `${item.preprocess} gave [${dims.join(',')}]`);
  }
  const parts: Float32Array[] = [];
  for (const file of chosen) parts.push(await loadFile(await sources.read(file, list), file, input));
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => {
    whole.set(part, at);
    return at + part.length;
  }, 0);
  return fitted(whole, input, chosen.join(', '));
}

async function loadFile(bytes: Uint8Array, file: string, { item, shape }: Input): Promise<Float32Array> {
  if (item.fileType === 'npy') {
    const { data } = readNpy(bytes, file);
    return Float32Array.from(data as ArrayLike<number | bigint>, Number);
  }
  if (item.fileType === 'raw') return new Float32Array(bytes.slice().buffer, 0, Math.floor(bytes.length / 4));
  const [channels, height, width] = [shape.at(-3) ?? 1, shape.at(-2) ?? 1, shape.at(-1)!];
  return imageToTensor(await decodeImage(bytes, 'bgr', file), { item, channels, height, width });
}

function fitted(data: Float32Array, { name, shape }: Input, where: string): Float32Array {
  if (data.length === elementCount(shape)) return data;
  throw new QError(`The calibration data of ${name} have ${data.length} elements, its shape is ${shape.join('x')}.`, {
    code: 'xquant.data.shape',
    where,
    found: `${data.length} elements`,
    expected: `${elementCount(shape)} (${shape.join('x')})`,
  });
}
