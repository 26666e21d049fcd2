import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { HedError, messageOf } from '../base/errors.js'
import type { Workflow } from '../experiment/workflow.js'

export interface LoadedWorkflow {
  readonly workflow: Workflow
  /** Of its module: executors import it again. */
  readonly url: string
}

/**
 * A workflow by name (a folder under workflows/) or by path (`./my/workflow.js`).
 * @throws HedError USAGE if there is none
 */
export async function loadWorkflow(name: string): Promise<LoadedWorkflow> {
  const url = workflowUrl(name)
  const module = await import(url).then(
    (m: { readonly workflow?: Workflow }) => m,
    (error: unknown) => {
      throw new HedError('USAGE', `workflow ${name}: cannot be loaded: ${messageOf(error)}`, {
        hint: 'Give a JavaScript module that exports "workflow".',
        cause: error,
      })
    },
  )
  if (!module.workflow)
    throw new HedError('USAGE', `workflow ${name}: its module exports no "workflow"`)
  return { workflow: module.workflow, url }
}

/** A folder stands for its index.js. */
function moduleFile(path: string): string {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  return isFolder ? join(path, 'index.js') : path
}

function workflowUrl(name: string): string {
  const isPath = name.startsWith('.') || name.startsWith('/')
  const url = isPath
    ? pathToFileURL(moduleFile(resolve(name)))
    : new URL(`../../workflows/${name}/index.js`, import.meta.url)
  if ((!isPath && !/^[\w-]+$/.test(name)) || !existsSync(url))
    throw new HedError('USAGE', `workflow ${name}: there is none of this name`, {
      hint: 'Use "hed", or the path of a module that exports "workflow".',
    })
  return url.href
}
