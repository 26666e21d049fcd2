#!/usr/bin/env node
import { optimiseLate } from '../base/tier-up.js'

optimiseLate()
const [first, ...rest] = process.argv.slice(2)
// a rank stays for hours on each tile: it does not carry the command line about
process.exitCode =
  first === 'rank'
    ? await (await import('./rank-main.js')).rankMain(rest)
    : await (await import('./main.js')).main(process.argv.slice(2))
