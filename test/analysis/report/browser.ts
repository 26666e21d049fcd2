import { existsSync } from 'node:fs'
import { chromium, type Browser, type Page } from 'playwright-core'

/** Debian's, Ubuntu's, or Google's own; CHROMIUM names another. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

export const executable = [process.env['CHROMIUM'] ?? '', ...PLACES].find(existsSync)

export const skip = executable === undefined ? 'there is no Chromium here' : false

export function launch(): Promise<Browser> {
  // tests run as root in containers, where its sandbox cannot be made
  return chromium.launch({ executablePath: executable!, args: ['--no-sandbox'] })
}

/** Everything that a page must not do, as it happens: errors, requests, dialogs. */
export interface Opened {
  readonly page: Page
  readonly faults: string[]
}

export async function open(
  browser: Browser,
  file: string,
  look: { readonly width?: number; readonly dark?: boolean } = {},
): Promise<Opened> {
  const page = await browser.newPage({
    viewport: { width: look.width ?? 1280, height: 900 },
    colorScheme: look.dark ? 'dark' : 'light',
  })
  const faults: string[] = []
  page.on('pageerror', error => faults.push(`error: ${error.message}`))
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) faults.push(`console: ${message.text()}`)
  })
  page.on('dialog', dialog => {
    faults.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', request => {
    const url = request.url()
    if (!url.startsWith('file:') && !url.startsWith('blob:')) faults.push(`request: ${url}`)
  })
  await page.goto(`file://${file}`)
  await page.waitForSelector('html[data-ready] .plot svg')
  await settled(page)
  return { page, faults }
}

/** Charts are drawn when the browser has laid out their places: one frame after what calls for them. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate('new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))')
}
