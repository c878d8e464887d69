/** The browser half: the codec's loader finds its binary beside its script, in the form that bundlers recognise. */
export async function readCodecBytes(_name: 'jpeg' | 'png'): Promise<BufferSource | undefined> {
  return undefined;
}
