import { StringDecoder } from 'node:string_decoder'

/** Splits a byte stream into lines; empty lines, and one cut off at the end, are not given. */
export function lineSplitter(onLine: (line: string) => void): (chunk: Buffer | string) => void {
  const decoder = new StringDecoder() // a chunk may end in the middle of a character
  let rest = ''
  return chunk => {
    const text = typeof chunk === 'string' ? chunk : decoder.write(chunk)
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') onLine(line)
  }
}
