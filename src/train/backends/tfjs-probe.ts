import { tryTf, type TfjsKind } from './tfjs-load.js'

// a process of its own: a library that cannot use a GPU may well take its process along
const reason = await tryTf(process.argv[2] as TfjsKind)
if (reason !== undefined) console.log(reason)
process.exit(reason === undefined ? 0 : 1)
