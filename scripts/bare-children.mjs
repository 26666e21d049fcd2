// What a test starts runs as it does for its users. tap would have each of those processes, two thousand of them, load what
// traces its files for coverage, which nobody asks for here: longer starts, a second thread, and module hooks of tap's own.
import processOnSpawn from 'process-on-spawn'

processOnSpawn.removeAllListeners()
