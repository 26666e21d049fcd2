import { optimiseLate } from '../base/v8.js'
import { executorMain } from './executor.js'

optimiseLate()
executorMain()
