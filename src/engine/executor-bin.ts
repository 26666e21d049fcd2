import { optimiseLate } from '../base/tier-up.js'
import { executorMain } from './executor.js'

optimiseLate()
executorMain()
