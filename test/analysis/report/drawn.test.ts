import * as fs from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { gather } from '../../../src/analysis/report/gather.js'
import { pageOf } from '../../../src/analysis/report/page.js'
import { makeSmallExp, type Row, type SmallRun } from '../small-exp.js'
import { launch, open, skip } from './browser.js'

const NOBODY = { live: undefined, sign: undefined }
const CELLS = ['C1', 'C2', 'C3', 'C4', 'C5', 'C6']

/** One drug with six cells, all predicted with the same error. */
function runOf(index: number, error: number, more: Partial<SmallRun> = {}): SmallRun {
  const test = CELLS.map((cell, c): Row => {
    const aucTrue = 0.3 + 0.05 * ((c + index) % 6)
    return [cell, aucTrue, Number((aucTrue + error + 0.01 * (c % 2)).toFixed(4))]
  })
  return { id: `RUN${index}`, resolved: { index, drug: `Drug_${index}` }, test, ...more }
}

t.test('what is drawn, and what is said of it', { skip }, async t => {
  const browser = await launch()
  t.teardown(() => browser.close())
  await many(t, browser)
  await few(t, browser)
})

async function openExp(t: Test, browser: Browser, runs: readonly SmallRun[], width?: number) {
  const folder = t.testdir()
  const file = join(folder, 'report.html')
  fs.writeFileSync(file, pageOf(gather(await makeSmallExp(folder, runs), NOBODY)))
  const opened = await open(browser, file, width === undefined ? {} : { width })
  t.teardown(() => opened.page.close())
  return opened
}

const captionOf = (page: Page, section: string) =>
  page.locator(`${section} .caption`).first().textContent()

async function many(t: Test, browser: Browser): Promise<void> {
  // Drug_0 is predicted far too low, Drug_59 far too high
  const runs = Array.from({ length: 60 }, (_, i) => runOf(i, i === 0 ? -0.25 : 0.002 * (i - 25)))
  runs[59] = runOf(59, 0.2)
  for (const width of [1280, 400])
    await t.test(`the largest biases have their names, high and low: ${width}`, async t => {
      const { page, faults } = await openExp(t, browser, runs, width)
      t.match(await captionOf(page, '#errors'), /Red: the high-error tail, beyond the dashed line/)
      t.ok(await page.locator('#errors svg [stroke-dasharray]').count(), 'a dashed line')
      await page.selectOption('#errors select >> nth=0', 'bias')
      t.notMatch(await captionOf(page, '#errors'), /dashed/)
      t.equal(await page.locator('#errors svg [stroke-dasharray]').count(), 0)
      t.notOk(await page.locator('#errors label', { hasText: 'Scale' }).isVisible())
      const names = page.locator('#errors svg text', { hasText: 'Drug_' })
      const found = await names.allTextContents()
      t.match(found, ['Drug_59'])
      t.ok(found.includes('Drug_0'), `${found.join()} has the lowest`)
      const boxes = await Promise.all((await names.all()).map(name => name.boundingBox()))
      for (const [i, a] of boxes.entries())
        for (const b of boxes.slice(i + 1)) {
          const isApart = a!.y + 13 <= b!.y || b!.y + 13 <= a!.y
          t.ok(
            isApart || a!.x + a!.width <= b!.x || b!.x + b!.width <= a!.x,
            'no name upon another',
          )
        }
      await page.selectOption('#errors select >> nth=0', 'r2')
      t.match(await captionOf(page, '#errors'), /\d+ drugs below −1\.00 drawn at the edge/)
      t.same(faults, [])
    })
}

async function few(t: Test, browser: Browser): Promise<void> {
  const valLoss = [0.5, 0.4, 0.3]
  const three = [0, 1, 2].map(i => runOf(i, 0.03 * i, { valLoss }))
  const seed = runOf(2, 0.1, { id: 'RUN2-s1', params: { seed: 1 }, valLoss })

  await t.test('axes that count have whole ticks', async t => {
    const { page } = await openExp(t, browser, three)
    const ticks = async (figure: string, axis: 'x' | 'y') =>
      page
        .locator('figure', { has: page.locator(`h3:text-is("${figure}")`) })
        .locator(`g[data-mark="${axis}-axis tick label"] text`)
        .allTextContents()
    t.same(await ticks('Mean recall by number of drugs', 'x'), ['1', '2'])
    t.same(await ticks('Loss by epoch', 'x'), ['1', '2', '3'])
    for (const figure of ['Cells by recall', 'Epoch times']) {
      const found = await ticks(figure, 'y')
      t.ok(
        found.length > 1 && found.every(text => /^\d+$/.test(text)),
        `${figure}: ${found.join()}`,
      )
      t.equal(new Set(found).size, found.length)
    }
  })

  await t.test('no caption speaks of what is not there', async t => {
    const { page, faults } = await openExp(t, browser, [three[0]!])
    const text = await page.textContent('main')
    t.match(text, /1 drug: too few to tell a high-error tail/)
    t.match(text, /There is no journal: nothing is known of its attempts/)
    t.match(text, /No RUN is missing/)
    t.notMatch(text, /Red:|Grey:|carried over|leaders|[^0-9]1 RUNs|1 drugs|undefined|NaN/)
    t.equal(await page.locator('#one-missing').count(), 0)
    t.match(await captionOf(page, '#training'), /^Lines: RUN0 of the drug chosen above\.$/)
    t.same(faults, [])
  })

  await t.test('seeds of a drug side by side, and the one that did not finish', async t => {
    const late = runOf(2, 0, { id: 'RUN2-s2', params: { seed: 2 }, unfinished: true, valLoss })
    const { page, faults } = await openExp(t, browser, [...three, seed, late])
    t.match(await page.textContent('#overview'), /mean RMSE of 3 held-out drugs/)
    t.match(await page.textContent('#overview'), /4 RUNs, averaged by drug/)
    t.match(await page.textContent('#errors svg'), /Drug_2 \(2 RUNs\)/)
    t.equal(await page.textContent('#one h3.chosen'), 'Drug_2')
    t.match(await page.textContent('#one .facts'), /RUNsmean over 2/)
    const rows = page.locator('#one table', { hasText: 'seed' }).locator('tbody tr')
    t.equal(await rows.count(), 3)
    t.match(await rows.nth(0).textContent(), /^RUN200\.065/)
    t.match(await rows.nth(1).textContent(), /^RUN2-s110\.105/)
    t.match(await rows.nth(2).textContent(), /^RUN2-s22interrupted/)
    t.equal(await page.locator('#one figure >> nth=1 >> g[data-mark=line] path').count(), 4)
    await rows.nth(2).locator('button').click()
    t.equal(await page.textContent('#one-missing h3.chosen'), 'RUN2-s2 (Drug_2)')
    // on paper no table is cut
    await page.emulateMedia({ media: 'print' })
    const cut = await page.evaluate<string[]>(
      `[...document.querySelectorAll('main *')].filter(n => n.scrollWidth > n.clientWidth + 1 &&
        ['auto', 'hidden'].includes(getComputedStyle(n).overflowX) && n.checkVisibility()).map(n => n.className)`,
    )
    t.same(cut, [])
    t.same(faults, [])
  })

  await t.test('no name lies on a line of the training chart: its legend stands above', async t => {
    const { page } = await openExp(t, browser, three)
    const figure = page.locator('#training figure').first()
    const legend = await figure.locator('[class*=swatches]').first().boundingBox()
    const chart = await figure.locator('svg[role=img]').boundingBox()
    t.ok(legend!.y + legend!.height <= chart!.y + 1)
    t.notMatch(await figure.locator('svg[role=img]').textContent(), /training|validation/)
  })
}
