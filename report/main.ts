import { add, choice, el } from './dom.js'
import { entriesSection } from './errors-section.js'
import { failuresSection } from './failures-section.js'
import { drawForPrint } from './figure.js'
import { labelsSection } from './labels-section.js'
import { machineSection } from './machine-section.js'
import { methodSection } from './method-section.js'
import { readModel, type Model } from './model.js'
import { oneEntrySection } from './one-entry.js'
import { oneLabelSection } from './one-label.js'
import { header, overview } from './overview.js'
import { recallSection } from './recall-section.js'
import { trainingSection } from './training-section.js'
import { newMissing, newView } from './view.js'

const place = document.querySelector('#report')!

readModel().then(show, (error: unknown) => {
  place.append(
    el(
      'p',
      { role: 'alert' },
      `This page could not be unpacked (${String(error)}). It needs a browser from 2023 or later.`,
    ),
  )
})

function show(model: Model): void {
  const main = el('main')
  const nav = el('nav', { class: 'screen', 'aria-label': 'Sections' })
  let group = 0
  const fill = () => {
    const chosen = model.models[group]
    const view = chosen && newView(model, chosen)
    const missing = newMissing(model)
    const sections = [
      overview(model),
      ...(view
        ? [
            entriesSection(view, missing),
            oneEntrySection(view, missing),
            labelsSection(view),
            oneLabelSection(view),
            recallSection(view),
          ]
        : []),
      trainingSection(model, view),
      machineSection(model, view, missing),
      failuresSection(model, missing),
      methodSection(model),
    ]
    nav.replaceChildren(
      ...sections.map(s => el('a', { href: `#${s.id}` }, s.dataset['short'] ?? '')),
    )
    main.replaceChildren(...sections)
  }
  const kinds = model.models.map(
    ({ by, entries }, g) =>
      [
        String(g),
        `${by === 'random' ? 'random test rows' : `${by}s`} (${entries.length})`,
      ] as const,
  )
  const controls = [
    ...(kinds.length > 1
      ? [
          choice('RUNs that hold out', kinds, '0', wanted => {
            group = Number(wanted)
            fill()
          }),
        ]
      : []),
    choice(
      'Theme',
      [
        ['auto', 'as the system'],
        ['light', 'light'],
        ['dark', 'dark'],
      ] as const,
      'auto',
      theme => {
        document.documentElement.dataset['theme'] = theme
      },
    ),
  ]
  add(place, [header(model, ...controls), nav, main])
  fill()
  drawForPrint()
  document.documentElement.dataset['ready'] = 'true'
}
