import { exitStatus } from './command.ts';
import { removeUnfinishedFiles } from './files/output-files.ts';
import { runWords } from './run-words.ts';
import { createTerminal } from './terminal/terminal.ts';

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
