/** A tar archive in the ustar form, which every tar reads: 512-byte blocks, a header before each file. */
const BLOCK = 512

export interface TarEntry {
  /** With `/` between folders; a folder ends in `/`. At most 255 bytes, with a `/` that leaves at most 100 after it. */
  readonly name: string
  /** Of the content, bytes; 0 for a folder. */
  readonly size: number
  /** Seconds since 1970. */
  readonly mtime: number
}

/** The block before a file's content. @throws Error if the name is too long */
export function tarHeader({ name, size, mtime }: TarEntry): Buffer {
  const header = Buffer.alloc(BLOCK)
  const isFolder = name.endsWith('/')
  const [prefix, rest] = split(name)
  const octal = (value: number, at: number, width: number) =>
    header.write(
      `${Math.floor(value)
        .toString(8)
        .padStart(width - 1, '0')}\0`,
      at,
      'latin1',
    )
  header.write(rest, 0, 'utf8')
  octal(isFolder ? 0o755 : 0o644, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(mtime, 136, 12)
  header.write('        ', 148, 'latin1') // the sum is taken with blanks in its place
  header.write(isFolder ? '5' : '0', 156, 'latin1')
  header.write('ustar\u000000', 257, 'latin1')
  header.write(prefix, 345, 'utf8')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

/** Zeros that fill the last block of a content. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)
}

/** What ends an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK)

function split(name: string): [prefix: string, rest: string] {
  if (Buffer.byteLength(name) <= 100) return ['', name]
  for (let at = name.indexOf('/'); at >= 0; at = name.indexOf('/', at + 1)) {
    const [prefix, rest] = [name.slice(0, at), name.slice(at + 1)]
    if (rest !== '' && Buffer.byteLength(rest) <= 100 && Buffer.byteLength(prefix) <= 155)
      return [prefix, rest]
  }
  throw new Error(`the name is too long for an archive: ${name}`)
}
