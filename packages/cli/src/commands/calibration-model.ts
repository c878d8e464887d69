import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Graph, printMlir, writeNpz } from '@q/ir';
import { readInputText } from '../files/input-files.ts';
import { topWeightFileName } from '../files/model-files.ts';
import { writeFilesWhole } from '../files/output-files.ts';

/**
 * Writes a model that calibration has changed: in place of the one it came from, its weights under the name that the `.mlir`
 * says, as TPU-MLIR does; or as a new one.
 *
 * @param rewritten whether layers were added too: the `.mlir` itself is written then
 */
export function writeChangedModel(
  graph: Graph,
  {
    path,
    target,
    rewritten,
  }: { readonly path: string; readonly target: string | undefined; readonly rewritten: boolean },
): string {
  if (target !== undefined) {
    // Named after the copy: in the folder of the model, the model's own weights must stay.
    const weightFile = topWeightFileName({ ...graph, name: basename(target, '.mlir') });
    const { text, weights } = printMlir(graph, { weightFile });
    const weightPath = join(dirname(target), weightFile);
    writeFilesWhole([
      { path: weightPath, bytes: writeNpz(weights) },
      { path: target, bytes: text },
    ]);
    return target;
  }
  const weightFile = weightFileNamed(path) ?? topWeightFileName(graph);
  const { text, weights } = printMlir(graph, { weightFile });
  const beside = join(dirname(path), basename(weightFile));
  const weightPath = existsSync(weightFile) ? weightFile : beside;
  writeFilesWhole([{ path: weightPath, bytes: writeNpz(weights) }, ...(rewritten ? [{ path, bytes: text }] : [])]);
  return weightPath;
}

function weightFileNamed(path: string): string | undefined {
  return readInputText(path, 'mlir_file').match(/module\.weight_file\s*=\s*"([^"]*)"/)?.[1];
}
