import { nearest } from '@q/ir';
import { HelpRequested, parseArguments, UsageError } from './arguments/parse.ts';
import { type Command, exitStatus } from './command.ts';
import { commands } from './commands/index.ts';
import { removeUnfinishedFiles } from './files/output-files.ts';
import { renderError } from './terminal/render-error.ts';
import { createTerminal, type Terminal } from './terminal/terminal.ts';
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

async function runWords(words: readonly string[], terminal: Terminal): Promise<number> {
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

const terminal = createTerminal(process.stdout, process.stderr);

// A signal must not leave half a file or a drawn progress bar behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    removeUnfinishedFiles();
    terminal.settle();
    process.stderr.write('\ninterrupted; nothing half-written was left behind\n');
    process.exit(exitStatus.interrupted);
  });
}
process.once('exit', removeUnfinishedFiles);
// `q … | head` closes the pipe early: that is not an error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? exitStatus.ok : exitStatus.failed),
);

const status = await runWords(process.argv.slice(2), terminal);
terminal.settle();
process.exitCode = status;
