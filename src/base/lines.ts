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

/** Characters of a message: it goes to terminals, into lines of files and into arguments of programs. */
const LENGTH = 500

/** What somebody else said, as one line of bearable length. */
export function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex -- they are what is taken out
  const line = text.replace(/\s*[\u0000-\u001f\u007f\u2028\u2029]+\s*/g, ' ').trim()
  return line.length > LENGTH ? `${line.slice(0, LENGTH)}…` : line
}
