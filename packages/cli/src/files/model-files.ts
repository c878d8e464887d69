import { existsSync } from 'node:fs';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import {
  type Emit,
  expandAttention,
  type Graph,
  type ImportStage,
  parseMlir,
  printMlir,
  QError,
  readNpz,
  writeNpz,
} from '@q/ir';
import { type CaffeNetwork, importCaffe } from '@q/ir/caffe';
import { type ImportOptions, importOnnx, type PreprocessOptions } from '@q/ir/onnx';
import { readInputFile, readInputText } from './input-files.ts';

export interface ModelOptions {
  readonly name: string;
  readonly inputShapes?: readonly (readonly number[])[] | undefined;
  readonly outputNames?: readonly string[];
  readonly preprocess?: PreprocessOptions | undefined;
  /** The weights of a Caffe network. */
  readonly modelData?: string | undefined;
  readonly stage?: ImportStage;
  readonly emit: Emit;
}

/** Module name of a model file when none is given: its stem with everything but word characters made `_`. */
export function nameOfModelFile(path: string): string {
  return basename(path, extname(path)).replace(/[^A-Za-z0-9_]/g, '_');
}

/** The caffemodel that a `.prototxt` needs to be run. */
export function requireModelData(path: string, options: ModelOptions): void {
  if (extname(path).toLowerCase() !== '.prototxt' || options.modelData !== undefined) return;
  throw new QError(`${path} is a Caffe network; its weights are in a .caffemodel`, {
    code: 'cli.missing-flag',
    where: '--model_data',
    expected: 'the .caffemodel of this network',
  });
}

/**
 * Reads a model of any format that can be imported: `.onnx`, a Top `.mlir` with its weights, or a Caffe `.prototxt`. Attention is
 * written with matrix products, which every step from calibration on works with; only a module that is written to a file
 * (`stage`) keeps it as one operator.
 */
export function loadModel(path: string, flag: string, options: ModelOptions): Graph {
  const graph = loadAsIs(path, flag, options);
  return options.stage === undefined ? expandAttention(graph) : graph;
}

function loadAsIs(path: string, flag: string, options: ModelOptions): Graph {
  const kind = extname(path).toLowerCase();
  if (kind === '.mlir') return readMlir(path, flag);
  if (kind === '.onnx') return loadOnnx(path, flag, options);
  if (kind === '.prototxt') return loadCaffe(path, flag, options).graph;
  throw new QError(`${path} is no model that can be read`, {
    code: 'cli.unknown-model-format',
    where: path,
    found: kind === '' ? 'no extension' : kind,
    expected: '.onnx, .mlir or .prototxt',
  });
}

/** Reads an ONNX file, with external data from its own folder only. */
export function loadOnnx(path: string, flag: string, options: ModelOptions): Graph {
  return importOnnx(readInputFile(path, flag), onnxOptions(path, flag, options));
}

/** Reads a Caffe network. Without its caffemodel the weights are zeros: commands that run it must ask for the file. */
export function loadCaffe(path: string, flag: string, options: ModelOptions): CaffeNetwork {
  return importCaffe(readInputText(path, flag), {
    name: options.name,
    where: path,
    ...(options.modelData === undefined
      ? {}
      : { weights: readInputFile(options.modelData, '--model_data'), weightsWhere: options.modelData }),
    ...importChoices(options),
  });
}

/** The options that every importer understands alike. */
function importChoices({ inputShapes, outputNames, preprocess, stage, emit }: ModelOptions) {
  return {
    ...(stage === undefined ? {} : { stage }),
    ...(inputShapes === undefined ? {} : { inputShapes }),
    ...(outputNames === undefined || outputNames.length === 0 ? {} : { outputNames }),
    ...(preprocess === undefined ? {} : { preprocess }),
    emit,
  };
}

/** How `path` is to be imported. */
export function onnxOptions(path: string, flag: string, options: ModelOptions): ImportOptions {
  const folder = resolve(dirname(path));
  return {
    name: options.name,
    where: path,
    ...importChoices(options),
    externalData: (location: string) => {
      const file = resolve(folder, location);
      if (!file.startsWith(folder + sep)) {
        throw new QError(`${path} wants its data from ${location}, outside its own folder`, {
          code: 'onnx.external-data-outside',
          where: path,
          found: location,
          expected: 'a path inside the folder of the model',
        });
      }
      return readInputFile(file, flag);
    },
  };
}

/**
 * Reads a `.mlir` file and its weights. The weight file's path is relative to the working directory in files of
 * TPU-MLIR; where it is not there, the folder of the `.mlir` is tried.
 */
export function loadMlir(path: string, flag: string): Graph {
  return expandAttention(readMlir(path, flag));
}

function readMlir(path: string, flag: string): Graph {
  const text = readInputText(path, flag);
  const weightFile = text.match(/module\.weight_file\s*=\s*"([^"]*)"/)?.[1];
  if (weightFile === undefined) return parseMlir(text, new Map(), path);
  const beside = join(dirname(path), basename(weightFile));
  const found = [weightFile, beside].find((candidate) => existsSync(candidate));
  if (found === undefined) {
    throw new QError(`${path}: its weights ${weightFile} are missing`, {
      code: 'mlir.missing-weights',
      where: path,
      expected: `${weightFile} in the working directory, or ${beside}`,
      hint: 'the .mlir file and its .npz belong together: move both',
    });
  }
  return parseMlir(text, readNpz(readInputFile(found, flag), found), path);
}

/** Name that TPU-MLIR gives the weight file of a module (ir.md section 4). */
export function topWeightFileName(graph: Graph): string {
  return `${graph.name}_top_f32_all_weight.npz`.toLowerCase();
}

/** The module before canonicalisation, which model_transform leaves behind without its weights (cli.md 3.2). */
export function originFile(origin: Graph, path: string): { path: string; bytes: string } {
  const weightFile = `${origin.name}_top_f32_all_origin_weight.npz`.toLowerCase();
  return { path: path.replace(/\.mlir$/, '_origin.mlir'), bytes: printMlir(origin, { weightFile }).text };
}

/** `<stem>.mlir` and its weight file, to be written into the folder of `path`. */
export function mlirFiles(
  graph: Graph,
  path: string,
  weightFile: string,
): readonly { path: string; bytes: Uint8Array | string }[] {
  const { text, weights } = printMlir(graph, { weightFile });
  return [
    { path, bytes: text },
    { path: join(dirname(path), weightFile), bytes: writeNpz(weights) },
  ];
}
