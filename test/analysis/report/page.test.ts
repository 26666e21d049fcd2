import * as fs from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import t, { type Test } from 'tap'
import { gather } from '../../../src/analysis/report/gather.js'
import { pageOf } from '../../../src/analysis/report/page.js'
import * as layout from '../../../src/experiment/layout.js'
import { readPlan } from '../../../src/experiment/plan.js'
import { launch, open, settled, skip, type Opened } from './browser.js'
import { holdOut, madeExp } from './made-exp.js'

const NOBODY = { live: undefined, sign: undefined }
/** As a name in the data: each would run if it were taken for markup. */
const EVIL = '</script><img src=x onerror=alert(1)>'
const EVIL_MESSAGE = '<svg/onload=alert(2)> & "quoted"'

const folder = t.testdir()
const exp = madeExp(folder)
const plan = readPlan(exp.path)
const finished = plan.filter(p => fs.existsSync(layout.marker(exp.path, p.run)))
const failed = plan.find(
  p => fs.existsSync(layout.error(exp.path, p.run)) && !finished.includes(p),
)!
holdOut(exp, p => (p.run === finished[0]!.run ? { ...p, resolved: { index: 0, drug: EVIL } } : p))
const error = layout.error(exp.path, failed.run)
fs.writeFileSync(
  error,
  JSON.stringify({ ...JSON.parse(fs.readFileSync(error, 'utf8')), message: EVIL_MESSAGE }),
)
const gathered = gather(exp, NOBODY)
const html = pageOf(gathered)
const file = join(folder, 'report.html')
fs.writeFileSync(file, html)
const [group] = gathered.content.groups

t.test('no name of the data stands in the file as markup', async t => {
  t.notMatch(html, /onerror|onload=alert/)
  t.equal(html.match(/<\/script>/g)!.length, 2, 'data and script')
  t.notMatch(html, /(src|href)="?(https?:)?\/\//, 'nothing is fetched')
})

t.test('in a browser', { skip }, async t => {
  const browser = await launch()
  t.teardown(() => browser.close())
  await inBrowser(t, browser)
})

/** What axe-core says, as far as it is read here. */
interface Found {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
  }[]
  readonly passes: readonly unknown[]
}

async function inBrowser(t: Test, browser: Browser): Promise<void> {
  const chosen = ({ page }: Opened) => page.textContent('#one h3.chosen')

  await t.test('names are text, and nothing is fetched or run', async t => {
    const { page, faults } = await open(browser, file)
    await page.fill('#one input', EVIL)
    await page.press('#one input', 'Enter')
    t.equal(await page.textContent('#one h3.chosen'), EVIL)
    for (const summary of await page.$$('summary')) await summary.click()
    t.equal(await page.locator('img').count(), 0)
    t.match(await page.textContent('#failures .missing'), EVIL_MESSAGE)
    t.match(await page.textContent('#errors table'), EVIL)
    // a script that got in would be stopped by the policy of the page
    await Promise.all([
      page.waitForEvent('console', message => /Content Security/.test(message.text())),
      page.evaluate(
        `document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(3)>')`,
      ),
    ])
    t.ok(
      faults.length > 0 && faults.every(f => /Content Security Policy/.test(f)),
      faults.join('\n'),
    )
    await page.close()
  })

  await t.test('a click shows a drug: its errors, its RUN and its attempts', async t => {
    const opened = await open(browser, file)
    const { page, faults } = opened
    const byError = group!.entries.toSorted((a, b) => b.mse.mean - a.mse.mean)
    t.equal(await chosen(opened), byError[0]!.name, 'the worst one first')
    await page.locator('.thumbnail').nth(2).click()
    await settled(page)
    const third = byError[2]!
    t.equal(await chosen(opened), third.name)
    const { run } = gathered.content.runs[third.runs[0]!]!
    t.match(await page.textContent('#one .facts'), `place3 of ${byError.length}RUN${run}RMSE`)
    t.match(await page.textContent('#one .facts'), Math.sqrt(third.mse.mean).toPrecision(3))
    t.match(await page.textContent('#one h4'), `Attempts of ${run}`)
    t.equal(await page.locator('.thumbnail[aria-pressed=true]').count(), 1)
    const dots = page.locator('#one .plot').first().locator('g[data-mark=dot]').first()
    const cells = new Set(
      fs
        .readFileSync(layout.testPredictions(exp.path, run as never), 'utf8')
        .trim()
        .split('\n')
        .slice(1)
        .map(line => line.split(',')[2]),
    )
    t.equal(await dots.locator('circle').count(), cells.size, 'a dot a cell')
    // in the chart of all drugs, over the dot of the fifth
    const circle = page.locator('#errors .plot g[data-mark=dot]').first().locator('circle').nth(4)
    await circle.hover()
    await circle.click({ force: true })
    t.equal(await chosen(opened), byError[4]!.name)
    // the bar of a finished RUN among those of the ranks
    const bars = gathered.content.machine!.bars
    const at = bars.findIndex(b => b.fate === 'finished' && b.run === byError[1]!.runs[0])
    const bar = page.locator('#machine g[data-mark=bar]').first().locator('rect').nth(at)
    await bar.hover()
    t.match(await page.textContent('#machine .tip'), gathered.content.runs[bars[at]!.run]!.run)
    await bar.click()
    t.equal(await chosen(opened), byError[1]!.name)
    await page.locator('#one-label input').fill(group!.labels[3]!.name)
    await page.locator('#one-label input').press('Enter')
    t.equal(await page.textContent('#one-label h3.chosen'), group!.labels[3]!.name)
    t.same(faults, [])
    await page.close()
  })

  await t.test('a drug without a result: why, its attempts and its last lines', async t => {
    const { page, faults } = await open(browser, file)
    const { run, error } = gathered.content.runs.find(r => r.run === failed.run)!
    const drug = failed.resolved['drug'] as string
    t.match(await page.textContent('#errors'), /2 drugs without a result: .*\(failed\)/)
    const told = async () => ({
      name: await page.textContent('#one-missing h3.chosen'),
      text: await page.textContent('#one-missing'),
    })
    await page.fill('#one input', drug)
    await page.press('#one input', 'Enter')
    await settled(page)
    const { name, text } = await told()
    t.equal(name, `${run} (${drug})`)
    t.match(text, error!.message)
    t.match(text, `Attempts of ${run}`)
    const lines = (await page.textContent('#one-missing pre'))!.split('\n')
    t.same(lines, error!.log.slice(-20))
    t.ok(lines.length > 2)
    t.ok(await page.isVisible('#one-missing .plot svg'), 'how far its training went')
    t.ok(
      await page.locator('#one-missing h3.chosen').evaluate((node: unknown) => {
        const { top } = (
          node as { getBoundingClientRect(): { top: number } }
        ).getBoundingClientRect()
        return top >= 0 && top < 900
      }),
      'the page goes there',
    )
    // the other one, by its bar among those of the ranks
    const { bars } = gathered.content.machine!
    const at = bars.findIndex(b => {
      const { run: id, state } = gathered.content.runs[b.run]!
      return state === 'failed' && id !== run
    })
    const bar = page.locator('#machine g[data-mark=bar]').first().locator('rect').nth(at)
    await bar.click({ force: true })
    const other = gathered.content.runs[bars[at]!.run]!
    t.equal((await told()).name, `${other.run} (${other.holds})`)
    await page.fill('#one-missing input', run)
    await page.press('#one-missing input', 'Enter')
    t.equal((await told()).name, `${run} (${drug})`)
    t.same(faults, [])
    await page.close()
  })

  await t.test('everything works from the keyboard', async t => {
    const opened = await open(browser, file)
    const { page } = opened
    const before = await chosen(opened)
    await page.focus('#one input')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    t.equal(await page.evaluate('document.activeElement.textContent'), 'better →')
    await page.keyboard.press('Enter')
    t.not(await chosen(opened), before)
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Space')
    t.equal(await chosen(opened), before)
    await page.focus('#errors summary')
    await page.keyboard.press('Enter')
    const first = page.locator('#errors tbody tr').nth(3).locator('button')
    await first.focus()
    const name = await first.textContent()
    await page.keyboard.press('Enter')
    t.equal(await chosen(opened), name)
    await page.close()
  })

  await t.test('the table has the numbers of the chart, and can be saved', async t => {
    const { page } = await open(browser, file)
    await page.click('#errors summary')
    await page.waitForSelector('#errors tbody tr')
    const rows = await page.locator('#errors tbody tr').allTextContents()
    t.equal(rows.length, group!.entries.length)
    for (const { name, mse } of group!.entries)
      t.ok(
        rows.some(
          row => row.startsWith(name) && row.includes(Number(mse.mean.toPrecision(6)).toFixed(6)),
        ),
        name,
      )
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.click('#errors >> text=Save as CSV'),
    ])
    const lines = fs
      .readFileSync(await download.path(), 'utf8')
      .trim()
      .split('\n')
    t.equal(lines.length, rows.length + 1)
    t.match(lines[0], /^drug,RUNs,rows,MSE,RMSE/)
    await page.close()
  })

  const looks = [{}, { dark: true }, { width: 400 }, { dark: true, width: 400 }]
  for (const look of looks as { width?: number; dark?: boolean }[])
    await t.test(`axe-core finds nothing serious: ${JSON.stringify(look)}`, async t => {
      const { page, faults } = await open(browser, file, look)
      for (const summary of await page.$$('summary')) await summary.click()
      await settled(page)
      // what is drawn when the pointer has come and gone is looked at, too
      await page.locator('#errors .plot g[data-mark=dot] circle').first().hover()
      await page.waitForSelector('#errors .plot g[aria-label=tip] path', { state: 'attached' })
      await page.mouse.move(0, 0)
      await page.waitForSelector('#errors .plot g[aria-label=tip]:empty', { state: 'attached' })
      await page.evaluate(
        fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'),
      )
      const found = await page.evaluate<Found>('axe.run()')
      t.ok(found.passes.length > 20, 'it looked')
      t.same(
        found.violations.map(
          v => `${v.impact} ${v.id}: ${v.nodes[0]!.html} ${v.nodes[0]!.failureSummary}`,
        ),
        [],
      )
      const width = await page.evaluate('document.documentElement.scrollWidth')
      t.equal(width, look.width ?? 1280, 'nothing is wider than the window')
      t.same(faults, [])
      await page.close()
    })

  await t.test('the theme is that of the system, or as chosen', async t => {
    const { page } = await open(browser, file, { dark: true })
    const paper = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    t.equal(await paper(), 'rgb(20, 23, 27)')
    await page.selectOption('header select', 'light')
    t.equal(await paper(), 'rgb(255, 255, 255)')
    await page.selectOption('header select', 'auto')
    t.equal(await paper(), 'rgb(20, 23, 27)')
    await page.emulateMedia({ media: 'print' })
    t.equal(await paper(), 'rgb(255, 255, 255)', 'paper is white')
    t.notOk(await page.isVisible('#errors details'), 'what needs a click is not printed')
    t.ok((await page.pdf({ format: 'A4' })).length > 50_000)
    await page.close()
  })

  await t.test('a sweep of several kinds, and one without a result', async t => {
    const kinds = [{ drug: 'D', index: 0 }, { cell: 'ACH-000001', index: 0 }, {}]
    holdOut(exp, (p, i) => ({ ...p, resolved: kinds[i % 3]! }))
    fs.writeFileSync(file, pageOf(gather(exp, NOBODY)))
    const { page, faults } = await open(browser, file)
    for (const [kind, noun] of [
      ['cells', 'held-out cell'],
      ['random', 'RUN'],
      ['drugs', 'held-out drug'],
    ] as const) {
      const choice = page.locator('header select').first()
      const option = await choice.locator('option', { hasText: kind }).getAttribute('value')
      await choice.selectOption(option)
      await settled(page)
      t.equal(await page.textContent('#errors h2'), `Error by ${noun}`)
      const charts = await page.locator('#one .plot svg[role=img]').count()
      t.equal(charts, 2, `${kind}: scatter and training`)
      if (kind !== 'random') continue
      t.match(await page.textContent('#recall'), /none can be ranked/)
      t.match(await page.textContent('#one .facts'), /replicates differ by–/)
    }
    for (const { run } of plan) fs.rmSync(layout.marker(exp.path, run), { force: true })
    fs.writeFileSync(file, pageOf(gather(exp, NOBODY)))
    await page.goto(`file://${file}`)
    await page.waitForSelector('html[data-ready] .plot svg')
    t.match(await page.textContent('#overview .notes'), 'No RUN has finished')
    t.equal(await page.locator('#errors, #one, #recall').count(), 0)
    t.match(await page.textContent('#failures'), /10 RUNs were begun and wait for resume/)
    t.same(faults, [])
    await page.close()
  })
}
