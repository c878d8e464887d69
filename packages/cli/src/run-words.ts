import { nearest } from '@q/ir';
import { HelpRequested, parseArguments, UsageError } from './arguments/parse.ts';
import { type Command, exitStatus } from './command.ts';
import { commands } from './commands/index.ts';
import { chooseKernels } from './kernel-choice.ts';
import { renderError } from './terminal/render-error.ts';
import type { Terminal } from './terminal/terminal.ts';
import { qVersion } from './version.ts';

function generalHelp(): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  return [
    'usage: q COMMAND [flags]',
    '',
    'INT8 post-training quantization for edge NPUs.',
    '',
    'commands:',
    ...commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`),
    '',
    'q COMMAND --help shows the flags of a command. The names with .py (run_calibration.py) work too.',
    '',
    'exit status: 0 done; 1 an input is not usable; 2 wrong command line; 130 interrupted; 255 a comparison failed.',
  ].join('\n');
}

function findCommand(word: string): Command | undefined {
  return commands.find((command) => command.name === word || command.aliases.includes(word));
}

/** What `q WORDS…` does; resolves to the exit status. Every failure is printed, none is thrown. */
export async function runWords(words: readonly string[], terminal: Terminal): Promise<number> {
  const [word, ...rest] = words;
  if (word === undefined || word === '--help' || word === '-h' || word === 'help') {
    terminal.print(generalHelp());
    return word === undefined ? exitStatus.usage : exitStatus.ok;
  }
  if (word === '--version' || word === '-V') {
    terminal.print(`q ${qVersion}`);
    return exitStatus.ok;
  }
  const command = findCommand(word);
  if (!command) {
    const suggestion = nearest(
      word,
      commands.flatMap((candidate) => [candidate.name, ...candidate.aliases]),
    );
    terminal.warn(`q: no command "${word}"${suggestion ? `; did you mean ${suggestion}?` : ''} (q --help lists them)`);
    return exitStatus.usage;
  }
  try {
    await chooseKernels(process.env.Q_KERNELS);
    const body = await command.load();
    return await body.run(parseArguments(command, body, rest), terminal);
  } catch (error) {
    if (error instanceof HelpRequested) {
      terminal.print(error.text.trimEnd());
      return exitStatus.ok;
    }
    if (error instanceof UsageError) {
      terminal.warn(`${error.usage.trimEnd()}\nq ${command.name}: error: ${error.message}`);
      return exitStatus.usage;
    }
    terminal.warn(renderError(error, process.env.Q_DEBUG === '1'));
    return exitStatus.failed;
  }
}
