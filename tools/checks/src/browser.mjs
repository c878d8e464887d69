import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Flags that keep a fresh profile from talking to anyone. */
export const quietFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Path of a Chromium: Q_CHROMIUM, or one on the PATH.
 * @returns {string | undefined}
 */
export function findChromium() {
  const { Q_CHROMIUM, PATH = '' } = process.env;
  if (Q_CHROMIUM) return Q_CHROMIUM;
  const places = PATH.split(delimiter).flatMap((dir) => names.map((name) => join(dir, name)));
  return places.find((file) => existsSync(file));
}
