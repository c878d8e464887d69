import { spawn } from 'node:child_process';

/**
 * Runs a command and gathers what it prints; it never throws on a non-zero exit.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<{ status: number, stdout: string, output: string }>} `output` is stdout and stderr as they came
 */
export function runCommand(command, args, { cwd, env = process.env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status: status ?? 1, stdout, output }));
  });
}

/**
 * The last lines of a command's output, for a message.
 * @param {string} output
 * @param {number} [most]
 */
export function lastLines(output, most = 15) {
  return output.trim().split('\n').slice(-most).join('\n');
}
