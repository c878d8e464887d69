import { extname } from 'node:path';
import { type Emit, type Graph, graphOfContainer, isContainer, QError, readContainer } from '@q/ir';
import { readInputFile } from '../files/input-files.ts';
import { loadModel, nameOfModelFile, requireModelData } from '../files/model-files.ts';

export interface OpenOptions {
  /** The caffemodel of a prototxt. */
  readonly weight?: string | undefined;
  readonly emit: Emit;
}

/** A network of any kind; what a file is, its first bytes say where its name does not. */
export function openModel(path: string, { weight, emit }: OpenOptions): Graph {
  if (['.onnx', '.mlir', '.prototxt'].includes(extname(path).toLowerCase())) {
    const options = { name: nameOfModelFile(path), modelData: weight, emit };
    requireModelData(path, options);
    return loadModel(path, '--model', options);
  }
  const bytes = readInputFile(path, '--model');
  if (isContainer(bytes)) return graphOfContainer(readContainer(bytes, path), path);
  throw foreignModel(path, bytes);
}

/** First bytes of compiled models of the vendor (numerics.md 15). */
const COMPILED: readonly (readonly [kind: string, magic: readonly number[]])[] = [
  ['a bmodel', [0xee, 0xaa, 0x55, 0xff]],
  ['a cvimodel', [...new TextEncoder().encode('CviModel')]],
];

function foreignModel(path: string, bytes: Uint8Array): QError {
  const compiled = COMPILED.find(([, magic]) => magic.every((byte, at) => bytes[at] === byte))?.[0];
  if (compiled !== undefined) {
    return new QError(
      `${path} is ${compiled} with instructions of the chip, which only the vendor's runtime executes`,
      {
        code: 'cli.unknown-model-format',
        where: path,
        found: compiled,
        expected: 'the file of q model_deploy --model, .mlir, .onnx or .prototxt',
        hint: 'run the *_tpu.mlir that it was compiled from: the numbers are the same',
      },
    );
  }
  return new QError(`${path} is no model that can be run`, {
    code: 'cli.unknown-model-format',
    where: path,
    found: extname(path) === '' ? 'no extension' : extname(path),
    expected: 'the file of q model_deploy --model, .mlir, .onnx or .prototxt',
  });
}
