import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Dataset, type DatasetSource, openDataset, openLmdbDataset, zipSource } from '@q/dataset';
import { type Graph, QError } from '@q/ir';
import { folderSource, listedFilesSource } from './folder-source.ts';
import { kindOfPath, readInputFile, readInputText } from './input-files.ts';
import { openHookedSamples } from './sample-hook.ts';

export interface SampleChoice {
  readonly dataset?: string | undefined;
  readonly dataList?: string | undefined;
  /** 0 means all. */
  readonly inputNum: number;
  /** Flag to blame in messages. */
  readonly flag?: string;
  /** The same for the list. */
  readonly listFlag?: string;
  /** ES module that prepares the samples: `FILE` or `FILE:FUNCTION`. */
  readonly hook?: string | undefined;
}

/** A folder, or a zip archive of one. */
function sourceAt(path: string, flag: string): DatasetSource {
  if (kindOfPath(path, flag) === 'folder') return folderSource(path);
  if (/\.zip$/i.test(path)) return zipSource(readInputFile(path, flag), path);
  throw new QError(`${flag}: ${path} is a file; a folder of samples or a .zip of one is expected`, {
    code: 'cli.not-a-dataset',
    where: path,
    expected: 'a folder or a .zip archive',
    hint: 'a list of files goes to --data_list',
  });
}

/** The samples of `--dataset` or `--data_list`; the list wins when both are given (calibration.md 1.3). */
export async function openSamples(graph: Graph, choice: SampleChoice): Promise<Dataset> {
  const { dataset, dataList, inputNum, flag = '--dataset', listFlag = '--data_list', hook } = choice;
  if (hook !== undefined) return openHookedSamples(graph, { hook, dataset, dataList, inputNum });
  if (dataList !== undefined) {
    const text = readInputText(dataList, listFlag);
    return openDataset({ source: listedFilesSource, graph, inputNum, dataList: text, where: dataList });
  }
  if (dataset === undefined) {
    throw new QError('Please specific dataset path by --dataset', {
      code: 'cli.missing-flag',
      where: flag,
      expected: 'a folder of images (or npz, npy), a .zip of one, or a list by --data_list',
    });
  }
  const lmdb = lmdbFileAt(dataset);
  if (lmdb !== undefined) {
    return openLmdbDataset({ data: readInputFile(lmdb, flag), graph, inputNum, where: lmdb });
  }
  return openDataset({ source: sourceAt(dataset, flag), graph, inputNum, where: dataset });
}

/** The LMDB file of the older BM1684 tools that `path` names, or that lies in it. */
function lmdbFileAt(path: string): string | undefined {
  if (path.endsWith('.mdb')) return path;
  const inside = join(path, 'data.mdb');
  return existsSync(inside) ? inside : undefined;
}
