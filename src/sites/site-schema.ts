import { fileURLToPath } from 'node:url'
import { SETTING_NAMES, SITES } from './builtin.js'
import { SETTING_KINDS, type SettingKind } from './setting-kinds.js'

/** Where the JSON schema of site files lies, for editors: `$schema` of a site file. */
export const SCHEMA_FILE = fileURLToPath(new URL('../../../docs/site.schema.json', import.meta.url))

/** The JSON schema of site files. docs/site.schema.json is this text. */
export function siteSchema(): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'A site of upf-heds: settings on top of a known site',
    type: 'object',
    properties: {
      $schema: { type: 'string' },
      extends: {
        description: `what it is built on: ${Object.keys(SITES).join(', ')} or another site file`,
        type: 'string',
        default: 'local',
      },
      ...Object.fromEntries(SETTING_NAMES.map(name => [name, schemaOf(SETTING_KINDS[name])])),
    },
    patternProperties: { '^//': {} },
    additionalProperties: false,
  }
}

function schemaOf({ describe, least, choices, between }: SettingKind): object {
  const description = describe
  if (least !== undefined) return { description, type: ['integer', 'string'], minimum: least }
  if (choices !== undefined) return { description, enum: choices }
  if (between === undefined) return { description, type: 'string' }
  const items = { type: ['string', 'number'] }
  return { description, oneOf: [{ type: 'string' }, { type: 'array', items }] }
}
