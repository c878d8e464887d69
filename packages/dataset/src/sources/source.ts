/**
 * Where samples are read from. The command line injects one over the file system, a page one over `File`s; this package
 * holds the two that need no platform: an archive and memory.
 */
export interface DatasetSource {
  /** Paths of every file below the root, `/`-separated and relative to it, in any order. */
  list(): Promise<readonly string[]>;
  /** Bytes of one file. `path` is one that `list` gave, or a line of a data list. Rejects when there is no such file. */
  read(path: string): Promise<Uint8Array>;
}
