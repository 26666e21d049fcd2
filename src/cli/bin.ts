#!/usr/bin/env node
const [first, ...rest] = process.argv.slice(2)
try {
  // a rank stays for hours on each tile: it does not carry the command line about
  process.exitCode =
    first === 'rank'
      ? await (await import('./rank-main.js')).rankMain(rest)
      : await (await import('./main.js')).main(process.argv.slice(2))
} catch (error) {
  // not even our own modules can be read: nothing may be imported to say so
  if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error
  console.error(`upf-heds: too few open files are allowed: ${(error as Error).message}`)
  console.error('hint: Raise the limit with `ulimit -n 1024`.')
  process.exitCode = 2
}
