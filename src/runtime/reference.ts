import { join } from 'node:path'
import { HedError } from '../base/errors.js'

/** How an image is named: by name, by digest, or by both, as an EXP does it: the digest counts then. */
export interface Reference {
  readonly name: string | undefined
  /** Hex, 64 digits, or the first of them, at least 8. */
  readonly digest: string | undefined
}

/** The name that moves. */
export const LATEST = 'latest'
/** As the setting ENV: no image, whatever a site says. */
export const NONE = 'none'
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const REFERENCE = /^([^@]*?)(?:@?sha256:([0-9a-f]{8,64}))?$/

/** `2026-1`, `sha256:1f3a5b7c`, `2026-1@sha256:1f3a…`. @throws HedError USAGE */
export function parseReference(text: string): Reference {
  const [, name = '', digest] = REFERENCE.exec(text) ?? []
  if ((name === '' && digest === undefined) || (name !== '' && !isName(name)))
    throw new HedError('USAGE', `${JSON.stringify(text)} names no image, want such as 2026-1`, {
      hint: 'upf-heds env list shows the names; sha256: and 8 or more digits of a digest serve too.',
    })
  return { name: name === '' ? undefined : name, digest }
}

/** What an EXP keeps: the name for people, the digest for good. */
export function fullReference(name: string | undefined, digest: string): string {
  return `${name === undefined ? '' : `${name}@`}sha256:${digest}`
}

/** Where a node has an image: known before it is there. */
export function unpackedPath(tmpRoot: string, digest: string): string {
  return join(tmpRoot, `env-${digest.slice(0, 16)}`)
}

function isName(text: string): boolean {
  return NAME.test(text) && text !== NONE
}

/** A name that is never moved. @throws HedError USAGE */
export function requireName(text: string): void {
  if (text === LATEST)
    throw new HedError('USAGE', '--name is "latest", which moves: want a name that stays', {
      hint: 'Give --latest, or a name such as 2026-1.',
    })
  if (!isName(text))
    throw new HedError('USAGE', `--name is ${JSON.stringify(text)}, want such as 2026-1`, {
      hint: 'Letters, digits and . _ - make a name of up to 64.',
    })
}
