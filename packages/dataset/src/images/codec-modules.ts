import { readCodecBytes } from '#codec-bytes';

export type CodecName = 'jpeg' | 'png';

const supplied = new Map<CodecName, Promise<WebAssembly.Module>>();

/**
 * Supplies a compiled codec for hosts where neither Node's file system nor a bundler's assets are at hand. The binaries
 * are `@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm` and `@jsquash/png/codec/pkg/squoosh_png_bg.wasm`.
 */
export function supplyCodec(name: CodecName, module: WebAssembly.Module): void {
  supplied.set(name, Promise.resolve(module));
}

/** The compiled codec, or undefined where the codec's own loader (which bundlers know) is to fetch it. */
export async function codecModule(name: CodecName): Promise<WebAssembly.Module | undefined> {
  const known = supplied.get(name);
  if (known !== undefined) return known;
  const bytes = await readCodecBytes(name);
  if (bytes === undefined) return undefined;
  const compiled = supplied.get(name) ?? WebAssembly.compile(bytes);
  supplied.set(name, compiled);
  return compiled;
}

/**
 * All codecs, compiled, for other threads to be supplied with; undefined where their binaries are not at hand: in a page
 * that did not supply them, whose bundler knows where they are.
 */
export async function loadCodecs(): Promise<ReadonlyMap<CodecName, WebAssembly.Module> | undefined> {
  const [jpeg, png] = await Promise.all([codecModule('jpeg'), codecModule('png')]);
  if (jpeg === undefined || png === undefined) return undefined;
  return new Map([
    ['jpeg', jpeg],
    ['png', png],
  ]);
}
