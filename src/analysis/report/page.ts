import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Gathered } from './gather.js'
import { packed } from './pack.js'

/**
 * report.html: one file that needs no network and runs no script but its own, which its policy names by digest.
 * What comes from data lies in base64, and the script puts it into the page as text.
 */
export function pageOf({ content, blocks }: Gathered): string {
  const script = asset('client.js')
  const json = Buffer.from(JSON.stringify(content, rounded))
  const data = JSON.stringify(packed({ content: json, ...blocks }))
  const hash = createHash('sha256').update(script).digest('base64')
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`
  const { name, upf, dflts } = content.experiment
  const of = escaped(upf ?? dflts)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(name)}: sweep of ${of}</title>
<style>${asset('client.css')}</style>
</head>
<body>
<noscript><p>This report of ${escaped(name)} (${of}) draws its charts with its own script, and needs JavaScript.</p></noscript>
<div id="report"></div>
<script type="application/json" id="data">${data}</script>
<script>${script}</script>
</body>
</html>
`
}

/** Built from report/ by scripts/build-page.mjs. */
function asset(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
}

/** More digits than six would be noise; less room for them. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value)
    ? Number(value.toPrecision(6))
    : value
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`)
}
