import { nearest, QError } from '@q/ir';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { parseArguments } from '../arguments/parse.ts';
import type { CommandBody } from '../command.ts';
import { caliTest } from '../npz-tool/cali-test.ts';
import { compareFiles } from '../npz-tool/compare-files.ts';
import { converting } from '../npz-tool/convert-arrays.ts';
import { editing } from '../npz-tool/edit-arrays.ts';
import { showing } from '../npz-tool/show-arrays.ts';
import type { Subcommand } from '../npz-tool/subcommand.ts';
import type { Terminal } from '../terminal/terminal.ts';

const subcommands: Readonly<Record<string, Subcommand>> = {
  compare: compareFiles,
  ...showing,
  ...editing,
  ...converting,
  cali_test: caliTest,
};

function declare(parser: ArgumentParser): void {
  const list = Object.entries(subcommands).map(([name, { summary }]) => `${name}: ${summary}`);
  parser.add_argument('command', { help: list.join('; ') });
  parser.add_argument('arguments', { nargs: '...', help: 'npz_tool COMMAND --help lists them' });
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  const name = args.string('command');
  const subcommand = subcommands[name];
  if (subcommand === undefined) throw unknownCommand(name);
  const { summary } = subcommand;
  const command = { name: `npz_tool ${name}`, aliases: [], summary, load: async () => npzTool };
  const body: CommandBody = { declare: subcommand.declare, run: async () => 0 };
  return subcommand.run(parseArguments(command, body, args.words('arguments')), terminal);
}

function unknownCommand(name: string): QError {
  const names = Object.keys(subcommands);
  const suggestion = nearest(name, names);
  return new QError(`No support ${name} Method`, {
    code: name === 'visualize_diff' ? 'cli.not-in-this-version' : 'cli.bad-flag-value',
    where: 'npz_tool',
    found: name,
    expected: names.join(', '),
    ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
  });
}

export const npzTool: CommandBody = { declare, run };
