import { type Dataset, hookedDataset, type SampleHook, selectFiles } from '@q/dataset';
import { type Graph, inputsOf, QError, typeOf } from '@q/ir';
import { folderSource, listedFilesSource } from './folder-source.ts';
import { importModule } from './import-module.ts';
import { kindOfPath, readInputText } from './input-files.ts';

/** What a hook prepares: the samples of a folder or a list, and how many of them. */
export interface HookChoice {
  /** `FILE` or `FILE:FUNCTION`; the function is the default export, or one called `preprocess`, when it is not named. */
  readonly hook: string;
  readonly dataset?: string | undefined;
  readonly dataList?: string | undefined;
  readonly inputNum: number;
}

/** Samples that the user's own ES module prepares. */
export async function openHookedSamples(graph: Graph, choice: HookChoice): Promise<Dataset> {
  const hook = await loadHook(choice.hook);
  const inputs = inputsOf(graph).map(({ name }) => ({ name, shape: typeOf(graph, name)!.shape }));
  const { dataset, dataList, inputNum } = choice;
  if (dataList !== undefined) {
    const lines = readInputText(dataList, '--data_list').split('\n');
    const listed = lines.map((line) => line.split(',').map((file) => file.trim())).filter(([file]) => file !== '');
    const samples = inputNum > 0 ? listed.slice(0, inputNum) : listed;
    return hookedDataset({ inputs, samples, hook, read: listedFilesSource.read });
  }
  if (dataset === undefined || kindOfPath(dataset, '--dataset') !== 'folder') {
    throw new QError('Please specific dataset path by --dataset', {
      code: 'cli.missing-flag',
      where: '--dataset',
      expected: 'a folder, or a list by --data_list, whose files the hook prepares',
    });
  }
  const source = folderSource(dataset);
  const samples = selectFiles(await source.list(), inputNum, dataset).map((file) => [file]);
  return hookedDataset({ inputs, samples, hook, read: source.read });
}

async function loadHook(word: string): Promise<SampleHook> {
  const [, file, name] = /^(.*?)(?::([A-Za-z_$][\w$]*))?$/.exec(word)!;
  if (file!.endsWith('.py')) {
    throw new QError(`${file} is Python, which is not run here`, {
      code: 'cli.hook',
      where: file!,
      expected: 'an ES module (.mjs)',
      hint: 'write the prepared inputs to npz files and give their folder to --dataset, or write the hook in JavaScript',
    });
  }
  kindOfPath(file!, '--preprocess_hook');
  const module = await importModule(file!);
  const hook = name === undefined ? (module.default ?? module.preprocess) : module[name];
  if (typeof hook === 'function') return hook as SampleHook;
  throw new QError(`${file} exports no function ${name ?? 'default or preprocess'}`, {
    code: 'cli.hook',
    where: file!,
    found: Object.keys(module).join(', ') || 'nothing',
    expected: `export function ${name ?? 'preprocess'}({ files, bytes, inputs })`,
  });
}
