import t from 'tap'
import { mayBegin, type Gathering } from '../../src/stage/gathering.js'

/** Of three that are expected two have come, at second 1. */
const TWO: Gathering = {
  ...{ now: 1, since: 0, news: 1, ready: 2, looking: 0 },
  ...{ absent: 1, patience: 300 },
}

t.test('who has not come is waited for as long as others come, and a little longer', async t => {
  t.ok(mayBegin({ ...TWO, absent: 0 }), 'all are here')
  t.notOk(mayBegin(TWO))
  t.notOk(mayBegin({ ...TWO, now: 2.9 }))
  t.ok(mayBegin({ ...TWO, now: 3 }), 'the third may be dead, or have it all')
  t.notOk(mayBegin({ ...TWO, now: 3, news: 2.5 }), 'they still come')
  t.ok(mayBegin({ ...TWO, absent: undefined, now: 3 }), 'as where nobody knows how many will')
})

t.test('who looks what it has is waited for longer, but not for good', async t => {
  const looking = { ...TWO, ready: 1, looking: 1, absent: 0 }
  t.notOk(mayBegin({ ...looking, now: 10.9 }))
  t.ok(mayBegin({ ...looking, now: 11 }))
  t.notOk(mayBegin({ ...looking, ready: 0, looking: 2, now: 100 }), 'all are busy with that')
})

t.test('where nobody comes the source goes on alone', async t => {
  const nobody = { ...TWO, ready: 0, absent: 3, news: 0 }
  t.notOk(mayBegin({ ...nobody, now: 9.9 }))
  t.ok(mayBegin({ ...nobody, now: 10 }))
  t.ok(mayBegin({ ...nobody, now: 1, patience: 1 }))
})
