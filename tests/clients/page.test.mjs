// The hiring example's page in a real browser: what its visitors do, with a mouse, with the keyboard alone, and what axe-core finds.
// The server's address and the browser's path come in the environment; what the page should show is worked out from all postings.
import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import axe from 'axe-core'
import { chromium } from 'playwright-core'

const { PLINTH_URL, PLINTH_ANON_KEY, CHROMIUM } = process.env
const PAGE_SIZE = 20
const TIMEOUT_MS = 10_000

let browser
let postings // every published posting, newest first

before(async () => {
  const columns = 'id,title,summary,duties,requirements,salary_max,salary_mid,currency,company(name),skill(slug)'
  const query = `select=${columns}&state=eq.published&order=published_at.desc,id.desc`
  const response = await fetch(`${PLINTH_URL}/rest/v1/posting?${query}`, { headers: { apikey: PLINTH_ANON_KEY } })
  assert.equal(response.status, 200)
  postings = await response.json()
  // With a profile of its own, new and empty, which goes with the browser.
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
})

after(() => browser?.close())

/** A page on this address. The test fails at its end when the console had an error that `expected` does not match. */
async function open(t, target, { width = 1280, expected, refuse } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, reducedMotion: 'reduce' })
  context.setDefaultTimeout(TIMEOUT_MS)
  const page = await context.newPage()
  const problems = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(String(error)))
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`Content-Security-Policy: ${event.violatedDirective} ${event.blockedURI}`)
    })
  })
  if (refuse) await page.route('**/rest/v1/posting?*', refuse)
  t.after(async () => {
    await context.close()
    assert.deepEqual(problems.filter((problem) => !expected?.test(problem)), [])
  })
  const response = await page.goto(PLINTH_URL + target)
  assert.equal(response.status(), 200)
  assert.match(response.headers()['content-security-policy'] ?? '', /(default|script)-src/)
  return page
}

/** Waits until the page has these postings, in this order, and the address has this query. */
async function shows(page, expected, search) {
  const ids = expected.map((posting) => String(posting.id))
  const wanted = { ids, search, busy: false }
  const read = () =>
    page.evaluate(() => ({
      ids: [...document.querySelectorAll('[data-posting]')].map((link) => link.dataset.posting),
      search: location.search,
      busy: document.getElementById('postings').hasAttribute('aria-busy'),
    }))
  await eventually(read, wanted)
}

/** Reads until the value is the expected one; the last value read is the one reported. */
async function eventually(read, expected) {
  const deadline = Date.now() + TIMEOUT_MS
  for (;;) {
    const actual = await read()
    try {
      return assert.deepEqual(actual, expected)
    } catch (difference) {
      if (Date.now() > deadline) throw difference
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const firstPage = (rows) => rows.slice(0, PAGE_SIZE)
const amount = (number) => new Intl.NumberFormat('en').format(number)
const status = (page) => page.locator('#status').textContent()
const matches = (posting, word) =>
  [posting.title, posting.summary, posting.duties, posting.requirements].some((text) => text.toLowerCase().includes(word))

async function hasStatus(page, count) {
  assert.ok(count > PAGE_SIZE, `${count} postings are more than a page`)
  await eventually(() => status(page), `1 to ${PAGE_SIZE} of ${amount(count)} positions`)
}

test('the list loads, newest first, with the number of all positions', async (t) => {
  const page = await open(t, '/')
  await shows(page, firstPage(postings), '')
  await hasStatus(page, postings.length)
  const first = page.locator('#postings > li').first()
  assert.equal(await first.locator('h2').textContent(), postings[0].title)
  assert.equal(await first.locator('.company').textContent(), postings[0].company.name)
})

test('a search finds the positions with the word', async (t) => {
  const page = await open(t, '/')
  const found = postings.filter((posting) => matches(posting, 'ledger'))
  assert.ok(found.length > 0 && found.length < postings.length)
  await page.fill('#q', 'Ledger')
  await page.click('#filters button[type=submit]')
  await shows(page, firstPage(found), '?q=Ledger')
  assert.equal(await page.title(), 'Ledger – Back-end jobs')
})

test('what a search cannot match is said, not thrown: quotes, brackets, pattern characters', async (t) => {
  const page = await open(t, '/')
  for (const text of ['"),(id.eq.1', 'a"b\\c', "x' or 1=1 --", 'zzz,zzz)']) {
    await page.fill('#q', text)
    await page.press('#q', 'Enter')
    await shows(page, [], `?${new URLSearchParams({ q: text })}`)
    await page.locator('#postings .message').waitFor()
    assert.equal(await page.locator('[role=alert]').count(), 0)
  }
})

test('filters by skill and by salary add up, and are cleared together', async (t) => {
  const page = await open(t, '/')
  await page.locator('#skill option[value=postgresql]').waitFor({ state: 'attached' })
  const skilled = postings.filter((posting) => posting.skill.some((skill) => skill.slug === 'postgresql'))
  await page.selectOption('#skill', 'postgresql')
  await shows(page, firstPage(skilled), '?skill=postgresql')
  await hasStatus(page, skilled.length)

  // Without a currency chosen, amounts are compared in euros.
  const paid = skilled.filter((posting) => posting.currency === 'EUR' && posting.salary_max >= 100_000)
  assert.ok(paid.length > 0 && paid.length < skilled.length)
  await page.fill('#salary', '100000')
  await shows(page, firstPage(paid), '?skill=postgresql&salary=100000&currency=EUR')
  assert.equal(await page.inputValue('#currency'), 'EUR')

  await page.click('#filters button[type=reset]')
  await shows(page, firstPage(postings), '')
  assert.equal(await page.inputValue('#skill'), '')
})

test('sorts by title and by salary', async (t) => {
  const page = await open(t, '/')
  const byTitle = postings.toSorted((a, b) => (a.title < b.title ? -1 : a.title > b.title ? 1 : a.id - b.id))
  await page.selectOption('#sort', 'title')
  await shows(page, firstPage(byTitle), '?sort=title')

  const bySalary = postings
    .filter((posting) => posting.currency === 'EUR')
    .toSorted((a, b) => b.salary_mid - a.salary_mid || b.id - a.id)
  await page.selectOption('#sort', 'salary')
  await shows(page, firstPage(bySalary), '?currency=EUR&sort=salary')
})

test('pages follow each other, to the last one and back', async (t) => {
  const page = await open(t, '/')
  await shows(page, firstPage(postings), '')
  await page.getByRole('link', { name: 'Next' }).click()
  await shows(page, postings.slice(PAGE_SIZE, 2 * PAGE_SIZE), '?page=2')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main')
  await page.getByRole('link', { name: 'Previous' }).click()
  await shows(page, firstPage(postings), '')

  const last = Math.ceil(postings.length / PAGE_SIZE)
  await page.goto(`${PLINTH_URL}/?page=${last}`)
  await shows(page, postings.slice((last - 1) * PAGE_SIZE), `?page=${last}`)
  assert.equal(await page.getByRole('link', { name: 'Next' }).count(), 0)
})

test('a page beyond the last one leads to the first', async (t) => {
  // The browser itself notes an answer of 416 on the console.
  const page = await open(t, '/?page=9999', { expected: /status of 416/ })
  await shows(page, firstPage(postings), '')
})

test('a position opens by click and closes by the link, the browser’s way back works too', async (t) => {
  const page = await open(t, '/?skill=postgresql')
  const skilled = postings.filter((posting) => posting.skill.some((skill) => skill.slug === 'postgresql'))
  await shows(page, firstPage(skilled), '?skill=postgresql')
  const chosen = skilled[2]
  await page.click(`[data-posting="${chosen.id}"]`)
  await eventually(() => page.title(), `${chosen.title} – ${chosen.company.name}`)
  assert.equal(await page.locator('h1:visible').textContent(), chosen.title)
  assert.equal(new URL(page.url()).search, `?skill=postgresql&posting=${chosen.id}`)
  await page.getByRole('link', { name: 'All positions' }).click()
  await shows(page, firstPage(skilled), '?skill=postgresql')

  await page.goBack()
  await page.locator('#detail-title').waitFor()
  await page.goForward()
  await shows(page, firstPage(skilled), '?skill=postgresql')
  await page.locator('#list-view').waitFor()
})

test('a position opens by its address, and an unknown one is named as such', async (t) => {
  const page = await open(t, `/?posting=${postings[7].id}`, { expected: /status of 40[06]/ })
  await eventually(() => page.title(), `${postings[7].title} – ${postings[7].company.name}`)
  assert.equal(await page.locator('h1:visible').textContent(), postings[7].title)
  for (const id of ['987654321', 'nonsense']) {
    await page.goto(`${PLINTH_URL}/?posting=${id}`)
    await eventually(() => page.locator('h1:visible').allTextContents(), ['This position is not open'])
  }
})

test('everything works with the keyboard alone', async (t) => {
  const page = await open(t, '/')
  await shows(page, firstPage(postings), '')
  await tabTo(page, '.skip')
  assert.ok((await page.locator('.skip').boundingBox()).y >= 0, 'the skip link is seen when it has the focus')
  await tabTo(page, '#q')
  const found = postings.filter((posting) => matches(posting, 'payment'))
  await page.keyboard.type('payment')
  await page.keyboard.press('Enter')
  await shows(page, firstPage(found), '?q=payment')

  await tabTo(page, '[data-posting]')
  assert.equal(await focused(page, (node) => node.dataset.posting), String(found[0].id))
  await page.keyboard.press('Enter')
  await eventually(() => focused(page, (node) => node.id), 'detail-title')
  await page.keyboard.press('Shift+Tab')
  assert.match(await focused(page, (node) => node.textContent), /All positions/)
  await page.keyboard.press('Enter')
  await eventually(() => focused(page, (node) => node.dataset.posting), String(found[0].id))
})

const focused = (page, read) => page.locator(':focus').evaluate(read)

/** Presses Tab until this is focused. Everything on the way shows that it has the focus. */
async function tabTo(page, selector) {
  for (let presses = 0; presses < 20; presses++) {
    await page.keyboard.press('Tab')
    const place = await page.locator(':focus').evaluate((node, wanted) => {
      // A result's outline goes around its whole card, which is a pseudo-element of the link.
      const outlined = [undefined, '::after'].some((part) => {
        const style = getComputedStyle(node, part)
        return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
      })
      return { outlined, reached: node.matches(wanted), html: node.outerHTML.slice(0, 80) }
    }, selector)
    assert.ok(place.outlined, `the focus is not visible on ${place.html}`)
    if (place.reached) return
  }
  assert.fail(`Tab does not reach ${selector}`)
}

const busy = (route) => route.fulfill({ status: 503, json: { message: 'The database is busy.' } })

// The pages' states, by an address that leads there and what is there then.
const STATES = [
  { name: 'the list', target: () => '/', ready: '[data-posting]' },
  { name: 'the details', target: (rows) => `/?posting=${rows[0].id}`, ready: '#detail-title' },
  { name: 'the empty list', target: () => '/?q=nothinghasthisword', ready: '#postings .message' },
  { name: 'a position that is not open', target: () => '/?posting=987654321', ready: '#detail-title', expected: /status of 406/ },
  {
    name: 'the list that failed',
    target: () => '/',
    ready: '[role=alert]',
    refuse: busy,
    expected: /status of 503/,
  },
  {
    name: 'the details that failed',
    target: (rows) => `/?posting=${rows[0].id}`,
    ready: '[role=alert]',
    refuse: busy,
    expected: /status of 503/,
  },
]

for (const { name, target, ready, ...options } of STATES) {
  test(`axe-core finds nothing in ${name}, wide and narrow, light and dark`, async (t) => {
    const page = await open(t, target(postings), options)
    await page.locator(ready).first().waitFor()
    // As the developer tools would: the page's own policy stays in force.
    await page.evaluate(axe.source)
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 900 })
      const folded = page.locator('#more-filters:not([open]) summary:visible')
      if (width === 360 && (await folded.count()) > 0) await folded.click()
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width}: nothing is cut off`)
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme })
        const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'] }))
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)
        assert.deepEqual(found, [], `${width} ${colorScheme}`)
      }
    }
  })
}

test('a list that failed loads after "Try again"', async (t) => {
  let refused = 0
  const page = await open(t, '/', {
    refuse: (route) => (refused++ === 0 ? route.abort() : route.continue()),
    expected: /ERR_FAILED/,
  })
  await page.getByRole('button', { name: 'Try again' }).click()
  await shows(page, firstPage(postings), '')
  await hasStatus(page, postings.length)
})

test('a script that is not the page’s own is stopped, and seen by these tests', async (t) => {
  const page = await open(t, '/', { expected: /Content[- ]Security[- ]Policy/i })
  const reported = page.waitForEvent('console', (message) => message.text().startsWith('Content-Security-Policy: script-src'))
  await page.evaluate(() => {
    const script = document.createElement('script')
    script.textContent = 'globalThis.smuggled = true'
    document.body.append(script)
  })
  await reported
  assert.equal(await page.evaluate(() => globalThis.smuggled), undefined)
})
