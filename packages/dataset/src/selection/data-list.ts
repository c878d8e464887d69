import { type Issue, QError } from '@q/ir';
import { kindOf } from './sample-kind.ts';

/** One sample of a list: one file, or one per network input. */
export type SampleFiles = readonly string[];

/**
 * Reads the text of a `--data_list` (calibration.md 3.2): one sample per line in file order, comma-separated files for
 * networks of several inputs; the first `inputNum` lines, or all for 0. Every bad line is reported at once.
 */
export function parseDataList(text: string, inputNum: number, where: string): SampleFiles[] {
  const lines = text.replace(/\r?\n$/, '').split('\n');
  const wanted = inputNum > 0 ? lines.slice(0, inputNum) : lines;
  const issues: Issue[] = [];
  const samples = wanted.map((line, i) => {
    const files = line.split(',').map((file) => file.trim());
    const bad = files.find((file) => kindOf(file) === undefined);
    if (bad !== undefined) issues.push(badLine(`${where}:${i + 1}`, bad));
    return files;
  });
  if (text.trim() === '') {
    throw new QError(`The data list ${where} is empty.`, {
      code: 'dataset.empty',
      where,
      expected: 'one sample per line',
    });
  }
  if (issues.length > 0) {
    const [first] = issues;
    throw new QError(`The data list ${where} has ${issues.length} bad line(s), the first is ${first!.where}.`, first!, {
      issues,
    });
  }
  return samples;
}

function badLine(where: string, found: string): Issue {
  return {
    code: 'dataset.list.line',
    where,
    found: found === '' ? 'a blank line or an empty entry' : found,
    expected: 'a path ending in .jpg, .jpeg, .jfif, .png, .bmp, .npz or .npy',
  };
}
