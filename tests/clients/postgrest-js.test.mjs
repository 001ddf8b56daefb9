// The published client library, unmodified, drives the hiring example. The server's address and tokens come in the environment.
import assert from 'node:assert/strict'
import test from 'node:test'
import { PostgrestClient } from '@supabase/postgrest-js'

const { PLINTH_URL, PLINTH_ANON_KEY, PLINTH_SERVICE_KEY, PLINTH_CANDIDATE_TOKEN, PLINTH_RECRUITER_TOKEN } =
  process.env

function client(token) {
  const headers = { apikey: PLINTH_ANON_KEY }
  if (token) headers.Authorization = `Bearer ${token}`
  return new PostgrestClient(`${PLINTH_URL}/rest/v1`, { headers })
}

const anon = client()
const candidate = client(PLINTH_CANDIDATE_TOKEN)
const recruiter = client(PLINTH_RECRUITER_TOKEN)
const service = client(PLINTH_SERVICE_KEY)

test('anyone lists published postings with their company and skills, counted', async () => {
  const { data, error, count, status } = await anon
    .from('posting')
    .select('id,title,company(name),posting_skill(required,skill(name))', { count: 'exact' })
    .eq('state', 'published')
    .order('published_at', { ascending: false })
    .order('id')
    .range(0, 9)
  assert.equal(error, null)
  assert.equal(status, 206)
  assert.equal(data.length, 10)
  assert.ok(count > 250, `${count} postings`)
  for (const posting of data) {
    assert.equal(typeof posting.company.name, 'string')
    assert.ok(Array.isArray(posting.posting_skill))
  }
})

test('filters, logic, inner joins and text search by pattern', async () => {
  const { data, error } = await anon
    .from('posting')
    .select('id,title,salary_min,seniority,skill!inner(slug)')
    .eq('skill.slug', 'postgresql')
    .gte('salary_min', 50000)
    .in('seniority', ['senior', 'staff'])
    .or('title.ilike.*engineer*,title.ilike.*developer*')
    .limit(5)
  assert.equal(error, null)
  assert.ok(data.length > 0)
  for (const posting of data) {
    assert.ok(posting.salary_min >= 50000)
    assert.match(posting.title, /engineer|developer/i)
    assert.deepEqual(posting.skill, [{ slug: 'postgresql' }])
  }
})

test('head requests count without rows', async () => {
  const { data, count, error } = await anon.from('skill').select('*', { count: 'exact', head: true })
  assert.equal(error, null)
  assert.equal(data, null)
  assert.equal(count, 58)
})

test('single and maybeSingle', async () => {
  const one = await anon.from('skill').select('id,name').eq('id', 1).single()
  assert.equal(one.error, null)
  assert.equal(one.data.id, 1)
  const none = await anon.from('skill').select('id').eq('id', -1).maybeSingle()
  assert.equal(none.error, null)
  assert.equal(none.data, null)
  const refused = await anon.from('skill').select('id').single()
  assert.equal(refused.error.code, 'PGRST116')
  assert.equal(refused.status, 406)
})

test('a candidate sees the own profile and applications, and nobody else’s', async () => {
  const profile = await candidate.from('candidate').select('id,given_name')
  assert.equal(profile.error, null)
  assert.deepEqual(profile.data, [{ id: 1, given_name: 'Ana' }])
  const applications = await candidate.from('application').select('id,candidate_id').order('id')
  assert.equal(applications.error, null)
  assert.deepEqual(new Set(applications.data.map((a) => a.candidate_id)), new Set([1]))
  const anonymous = await anon.from('candidate').select('id')
  assert.ok(anonymous.error)
})

test('insert, update, upsert and delete as a trusted server', async () => {
  const inserted = await service
    .from('skill')
    .insert([
      { id: 9001, name: 'Test one', slug: 'test-one', category: 'language' },
      { id: 9002, name: 'Test two', slug: 'test-two', category: 'language' },
    ])
    .select('id,name')
  assert.equal(inserted.error, null)
  assert.equal(inserted.status, 201)
  assert.deepEqual(inserted.data, [
    { id: 9001, name: 'Test one' },
    { id: 9002, name: 'Test two' },
  ])
  const upserted = await service
    .from('skill')
    .upsert({ id: 9001, name: 'Test 1', slug: 'test-one', category: 'language' })
    .select('name')
    .single()
  assert.equal(upserted.error, null)
  assert.deepEqual(upserted.data, { name: 'Test 1' })
  const updated = await service.from('skill').update({ name: 'Test 2' }).eq('id', 9002).select('name')
  assert.deepEqual(updated.data, [{ name: 'Test 2' }])
  const duplicate = await service
    .from('skill')
    .insert({ name: 'Test 3', slug: 'test-one', category: 'language' })
  assert.equal(duplicate.status, 409)
  assert.equal(duplicate.error.code, '23505')
  const deleted = await service.from('skill').delete().in('id', [9001, 9002]).select('id').order('id')
  assert.deepEqual(deleted.data, [{ id: 9001 }, { id: 9002 }])
})

test('a recruiter writes postings of the own company only', async () => {
  const posting = {
    company_id: 1,
    title: 'Engineer for the test suite',
    summary: 'A test.',
    duties: 'Test.',
    requirements: 'Tests.',
    seniority: 'senior',
    remote: 'remote',
    city: 'Lisbon',
    country: 'PT',
    salary_min: 60000,
    salary_max: 80000,
  }
  const own = await recruiter.from('posting').insert(posting).select('id,state,salary_mid').single()
  assert.equal(own.error, null)
  assert.equal(own.data.state, 'draft')
  assert.equal(own.data.salary_mid, 70000)
  const foreign = await recruiter.from('posting').insert({ ...posting, company_id: 2 })
  assert.equal(foreign.error.code, '42501')
  assert.equal(foreign.status, 403)
  const moved = await recruiter.from('posting').update({ company_id: 2 }).eq('id', own.data.id)
  assert.ok(moved.error)
  const removed = await service.from('posting').delete({ count: 'exact' }).eq('id', own.data.id)
  assert.equal(removed.count, 1)
})

test('functions by POST and GET, with filters on their rows', async () => {
  const posted = await anon.rpc('search_postings', { query: 'postgresql' }).select('id,title').order('id').limit(3)
  assert.equal(posted.error, null)
  assert.equal(posted.data.length, 3)
  const got = await anon
    .rpc('search_postings', { query: 'postgresql' }, { get: true })
    .select('id,title')
    .order('id')
    .limit(3)
  assert.deepEqual(got.data, posted.data)
  const missing = await anon.rpc('no_such_function')
  assert.equal(missing.status, 404)
  assert.equal(missing.error.code, 'PGRST202')
})

test('CSV', async () => {
  const { data, error } = await anon.from('skill').select('id,slug').order('id').limit(2).csv()
  assert.equal(error, null)
  assert.match(data, /^id,slug\n1,[a-z-]+\n2,[a-z-]+$/)
})

test('refusals come as errors with code, message, details and hint', async () => {
  const { data, error, status } = await anon.from('no_such_table').select()
  assert.equal(data, null)
  assert.equal(status, 404)
  assert.equal(error.code, 'PGRST205')
  const wrong = await anon.from('posting').select('no_such_column')
  assert.equal(wrong.error.code, '42703')
})

test('pages by cursor, forwards and back, with the client’s own requests', async () => {
  let headers
  const seeing = new PostgrestClient(`${PLINTH_URL}/rest/v1`, {
    headers: { apikey: PLINTH_ANON_KEY },
    fetch: async (...args) => {
      const response = await fetch(...args)
      headers = response.headers
      return response
    },
  })
  const page = async (parameter, cursor) => {
    const query = seeing.from('posting').select('id,company(name)').order('salary_max', { ascending: false }).limit(40)
    query.url.searchParams.set(parameter, cursor)
    const { data, error } = await query
    assert.equal(error, null)
    return data.map((posting) => posting.id)
  }
  const { data: all } = await anon
    .from('posting')
    .select('id')
    .order('salary_max', { ascending: false })
    .order('id')
  const expected = all.map((posting) => posting.id)
  assert.ok(expected.length > 250)

  const forwards = []
  let cursor = ''
  do {
    forwards.push(...(await page('after', cursor)))
    cursor = headers.get('next-cursor')
  } while (cursor !== null)
  assert.deepEqual(forwards, expected)

  const back = []
  cursor = ''
  do {
    back.unshift(...(await page('before', cursor)))
    cursor = headers.get('previous-cursor')
  } while (cursor !== null)
  assert.deepEqual(back, expected)

  // The address of the next page is told relative to this one's.
  await page('after', '')
  const link = headers.get('link').match(/^<([^>]*)>; rel="next"$/)[1]
  const response = await fetch(new URL(link, `${PLINTH_URL}/rest/v1/posting`), { headers: { apikey: PLINTH_ANON_KEY } })
  assert.deepEqual((await response.json()).map((posting) => posting.id), expected.slice(40, 80))

  const query = seeing.from('posting').select('id').order('salary_max', { ascending: false })
  query.url.searchParams.set('after', new URL(link, PLINTH_URL).searchParams.get('after').replace(/^./, 'B'))
  assert.equal((await query).error.code, '34000')
})

test('QUERY, and the form of it that is posted', async () => {
  const ids = Array.from({ length: 5000 }, (_, n) => n + 1)
  const query = new URLSearchParams({ select: 'id', id: `in.(${ids.join(',')})`, order: 'id', limit: '3' })
  const url = `${PLINTH_URL}/rest/v1/posting`
  const byQuery = await fetch(url, { method: 'QUERY', body: query, headers: { apikey: PLINTH_ANON_KEY } })
  assert.equal(byQuery.status, 200)
  const rows = await byQuery.json()
  assert.equal(rows.length, 3)
  const posted = await fetch(url, {
    method: 'POST',
    body: query.toString(),
    headers: { apikey: PLINTH_ANON_KEY, 'Content-Type': 'application/vnd.pgrst.query' },
  })
  assert.equal(posted.status, 200)
  assert.deepEqual(await posted.json(), rows)
  // Without its media type it would be an insert, which nobody may here.
  const insert = await fetch(url, { method: 'POST', body: query, headers: { apikey: PLINTH_ANON_KEY } })
  assert.notEqual(insert.status, 200)
})
