import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

/** Version of this package. */
export const qVersion: string = manifest.version;

/** The release of TPU-MLIR whose behaviour the commands of its name follow by default. */
export const compatibleVersion = 'v1.9';

/** First line of every command that TPU-MLIR also has. */
export const bannerLine: string = `TPU-MLIR ${compatibleVersion} (compatible; q ${qVersion})`;
