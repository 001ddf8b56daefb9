// Writes beyond PostgREST, as a browser or a script would send them: with the published client library where it has words for it, with
// fetch where it has none.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import test from 'node:test'
import { PostgrestClient } from '@supabase/postgrest-js'

const { PLINTH_URL, PLINTH_ANON_KEY, PLINTH_SERVICE_KEY } = process.env
const base = `${PLINTH_URL}/rest/v1`
const service = new PostgrestClient(base, {
  headers: { apikey: PLINTH_ANON_KEY, Authorization: `Bearer ${PLINTH_SERVICE_KEY}` },
})

async function send(method, path, { body, ...headers } = {}) {
  const response = await fetch(base + path, {
    method,
    headers: { Authorization: `Bearer ${PLINTH_SERVICE_KEY}`, 'Content-Type': 'application/json', ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) }
}

const company = (slug, member) => ({
  name: `Company ${slug}`,
  slug,
  city: 'Porto',
  country: 'PT',
  size: '1-10',
  ...(member ? { member } : {}),
})
const person = (number) => ({
  user_id: `00000000-0000-4000-8000-00000000000${number}`,
  role: 'recruiter',
  display_name: `Person ${number}`,
  email: `person${number}@example.com`,
})

test('a tree is inserted through the client library', async () => {
  const query = service.from('company').insert(company('tree', [person(1), person(2)])).select('slug,member(display_name)')
  query.url.searchParams.set('columns', 'name,slug,city,country,size,member(user_id,role,display_name,email)')
  const { data, error, status } = await query.single()
  assert.equal(error, null)
  assert.equal(status, 201)
  assert.deepEqual(data, { slug: 'tree', member: [{ display_name: 'Person 1' }, { display_name: 'Person 2' }] })
})

test('the same without columns is an unknown column, as ever', async () => {
  const { error } = await service.from('company').insert(company('flat', [person(3)]))
  assert.equal(error.code, 'PGRST204')
})

test('one of many parallel retries writes; all that are answered get the same answer', async () => {
  const request = () =>
    send('POST', '/company?select=id,slug', {
      body: company('parallel'),
      'Idempotency-Key': `"${key}"`,
      Prefer: 'return=representation',
    })
  const key = randomUUID()
  const answers = await Promise.all(Array.from({ length: 40 }, request))
  const done = answers.filter((answer) => answer.status === 201)
  const waiting = answers.filter((answer) => answer.status === 409)
  assert.ok(done.length >= 1)
  assert.equal(done.length + waiting.length, answers.length)
  for (const answer of waiting) {
    assert.equal(answer.json().code, 'PLN102')
    assert.equal(answer.headers.get('retry-after'), '1')
  }
  const last = await request()
  assert.equal(last.status, 201)
  for (const answer of done) assert.equal(answer.text, last.text)
  const { count } = await service.from('company').select('*', { count: 'exact', head: true }).eq('slug', 'parallel')
  assert.equal(count, 1)
})

test('a key set through the client library', async () => {
  const insert = () =>
    service.from('company').insert(company('keyed')).select('id').single().setHeader('Idempotency-Key', 'library-1')
  const first = await insert()
  const again = await insert()
  assert.equal(first.error, null)
  assert.deepEqual(again.data, first.data)
})

test('two editors of one row: the slower one is told', async () => {
  const path = '/posting?id=eq.1'
  const [mine, theirs] = await Promise.all([send('GET', path), send('GET', `${path}&select=title`)])
  const tag = mine.headers.get('etag')
  assert.match(tag, /^"[\w-]{22}\.[\w-]{16}-gzip"$/, 'a large row is compressed, which its tag tells')
  const unchanged = await send('GET', path, { 'If-None-Match': tag })
  assert.deepEqual([unchanged.status, unchanged.text], [304, ''])

  const title = (text, tag) => send('PATCH', path, { body: { title: text }, 'If-Match': tag })
  const first = await title('The first to save', theirs.headers.get('etag'))
  assert.equal(first.status, 204)
  const second = await title('Too late to save', tag)
  assert.equal(second.status, 412)
  assert.equal(second.json().code, 'PLN104')

  const now = await send('GET', `${path}&select=title`)
  assert.deepEqual(now.json(), [{ title: 'The first to save' }])
  assert.equal((await title('Saved after all', now.headers.get('etag'))).status, 204)
})

test('of many conditional updates of one state one is done', async () => {
  for (let round = 0; round < 20; round++) {
    const tag = (await send('GET', '/skill?id=eq.1')).headers.get('etag')
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        send('PATCH', '/skill?id=eq.1', { body: { name: `Rust ${round}.${n}` }, 'If-Match': tag }),
      ),
    )
    assert.deepEqual(answers.map((answer) => answer.status).sort(), [204, ...Array(29).fill(412)])
  }
})

test('a batch is all or nothing', async () => {
  const post = (slug) => ({ method: 'POST', path: '/company', body: company(slug) })
  const read = { method: 'GET', path: '/company?slug=like.batch*&select=slug&order=slug' }
  const done = await send('POST', '/batch', { body: [post('batch-a'), post('batch-b'), read] })
  assert.equal(done.status, 200)
  assert.deepEqual(done.json().map((answer) => answer.status), [201, 201, 200])
  assert.deepEqual(done.json()[2].body, [{ slug: 'batch-a' }, { slug: 'batch-b' }])
  const refused = await send('POST', '/batch', { body: [post('batch-c'), post('batch-a')] })
  assert.equal(refused.status, 409)
  assert.equal(refused.json().entry, 1)
  const { data } = await service.from('company').select('slug').like('slug', 'batch*').order('slug')
  assert.deepEqual(data, [{ slug: 'batch-a' }, { slug: 'batch-b' }])
})
