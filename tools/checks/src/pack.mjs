import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastLines, runCommand } from './run-command.mjs';

/** @typedef {import('./workspace.mjs').Project} Project */

const pnpm = fileURLToPath(new URL('../../../node_modules/.bin/pnpm', import.meta.url));

/** Packages as they would be published, each packed once, in a folder of their own that `dispose` removes. */
export class Tarballs {
  #root;
  #dir = mkdtempSync(join(tmpdir(), 'q-pack-'));
  /** @type {Map<string, Promise<string>>} */
  #packed = new Map();

  /** @param {string} root */
  constructor(root) {
    this.#root = root;
  }

  /**
   * Absolute path of the tarball that `pnpm pack` makes of a package.
   * @param {Project} project
   * @returns {Promise<string>}
   */
  tarball(project) {
    const packed = this.#packed.get(project.folder) ?? this.#pack(project);
    this.#packed.set(project.folder, packed);
    return packed;
  }

  /**
   * Folder with the unpacked tarball.
   * @param {Project} project
   */
  async unpacked(project) {
    const tarball = await this.tarball(project);
    const dir = join(this.#dir, `${project.folder}-unpacked`);
    mkdirSync(dir, { recursive: true });
    const { status, output } = await runCommand('tar', ['-xzf', tarball, '-C', dir, '--strip-components=1'], {
      cwd: dir,
    });
    if (status !== 0) throw new Error(`tar: ${lastLines(output)}`);
    return dir;
  }

  dispose() {
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** @param {Project} project */
  async #pack(project) {
    const into = join(this.#dir, project.folder);
    mkdirSync(into, { recursive: true });
    const { status, output } = await runCommand(pnpm, ['pack', '--pack-destination', into], {
      cwd: join(this.#root, project.dir),
    });
    const name = readdirSync(into).find((file) => file.endsWith('.tgz'));
    if (status !== 0 || !name) throw new Error(`pnpm pack of ${project.dir}:\n${lastLines(output)}`);
    return join(into, name);
  }
}
