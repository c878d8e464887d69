import { expect, test } from 'vitest';
import { checkChangesets } from '../src/changesets.mjs';
import { packageFiles, plantTracked } from './fixture-tree.ts';

const config = { '.changeset/config.json': { baseBranch: 'main' } };

async function problems(changeset: string): Promise<string[]> {
  const root = plantTracked({ ...config, ...packageFiles('one'), '.changeset/a.md': changeset });
  return (await checkChangesets(root, () => {})).map(({ message }) => message);
}

test.each([
  ['---\n"@q/one": minor\n---\n\nWords.\n', []],
  ['---\n"@q/two": minor\n---\n\nWords.\n', ['names "@q/two", which is not a published package']],
  ['---\n"@q/one": huge\n---\n\nWords.\n', ['asks for the bump "huge"']],
  ['---\n"@q/one": patch\n---\n\n', ['says nothing about the change']],
  ['"@q/one": patch\n', ['does not begin with the packages between two lines ---']],
])('%j', async (text, expected) => {
  expect(await problems(text)).toEqual(expected);
});
