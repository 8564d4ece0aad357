// Asks a server for its admin pages, as an admin, and prints how long they took.
//
//   node bench-reports.mjs URL first|pages|restart|meanwhile PID TOUCHES
//
// `first` and `restart` measure the first page after a start, `pages` all pages. A page is asked for five times, and the median
// counts. `meanwhile` measures the home page with wrk, before and while facts are read. The exit code is 1 if a page misses its goal.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

const [base, what, pid, touches] = process.argv.slice(2);
const ROUNDS = 5;
const GOAL_MS = 300;
const GOAL_MS_MODELS = 1000;
const GOAL_BYTES = 100 * 1024;

const form = new URLSearchParams({ email: process.env.ADMIN_EMAIL, password: process.env.ADMIN_PASSWORD });
const signIn = await fetch(`${base}/api/login`, {
  method: 'POST',
  body: form,
  headers: { origin: base },
  redirect: 'manual',
});
const cookie = signIn.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ');
if (!cookie) throw new Error(`no session after signing in: ${signIn.status}`);

async function page(path) {
  const start = performance.now();
  const response = await fetch(base + path, { headers: { cookie, accept: 'text/html' } });
  const body = await response.arrayBuffer();
  return { ms: performance.now() - start, status: response.status, bytes: body.byteLength };
}

const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
const count = (number) => Number(number).toLocaleString('en');

if (what === 'meanwhile') {
  const load = async () => {
    const { stdout } = await promisify(execFile)('wrk', ['-t', '1', '-c', '16', '-d', '4s', `${base}/`]);
    return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  };
  await load();
  const before = await load();
  const first = page('/admin');
  const during = await load();
  await first;
  const loading = (await page('/admin')).status === 503;
  const rates = `${before.toFixed(0)} requests a second before, ${during.toFixed(0)} while facts are read`;
  const how = loading ? '' : '; the facts were read before the end';
  console.log(`The home page under load: ${rates}, ratio ${(during / before).toFixed(2)}${how}`);
  process.exit(0);
}

if (what !== 'pages') {
  const before = memory();
  const start = performance.now();
  let found = await page('/admin?period=12m');
  let asked = 1;
  while (found.status === 503) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    found = await page('/admin?period=12m');
    asked += 1;
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(2);
  const name = what === 'first' ? 'First page, facts read from the database' : 'First page after a restart';
  const bytes = Math.round(((memory() - before) * 1024 * 1024) / Number(touches));
  console.log(`${name}: ${seconds} s (asked ${asked} times), memory ${before.toFixed(0)} → ${memory().toFixed(0)} MB, ${bytes} bytes a touch`);
  process.exit(0);
}

const periods = { '30 days': 'period=30d', '12 months': 'period=12m', 'all time': 'period=all' };
const filters = {
  '': '',
  source: '&source=google',
  campaign: '&campaign=spring-sale',
  search: '&q=an',
  conversions: '&metric=conversions',
};
const pages = { Overview: '/admin', Campaigns: '/admin/campaigns', Leads: '/admin/leads', Conversions: '/admin/conversions', Models: '/admin/models', Quality: '/admin/quality' };
let missed = false;
const rows = [];

/** Returns a row of the table: the name, the median time of each address, and the size of the largest page. */
async function row(name, addresses) {
  const cells = [];
  let largest = 0;
  for (const address of addresses) {
    const times = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const found = await page(address);
      if (found.status !== 200) throw new Error(`${address}: ${found.status}`);
      times.push(found.ms);
      largest = Math.max(largest, found.bytes);
    }
    times.sort((a, b) => a - b);
    const median = times[Math.floor(ROUNDS / 2)];
    const goal = name.startsWith('Models') ? GOAL_MS_MODELS : GOAL_MS;
    if (median > goal) missed = true;
    cells.push(`${median.toFixed(0)} ms${median > goal ? ' (!)' : ''}`);
  }
  if (largest > GOAL_BYTES) missed = true;
  return [name, ...cells, `${(largest / 1024).toFixed(0)} KB`];
}

for (const [name, path] of Object.entries(pages)) {
  for (const [filter, query] of Object.entries(filters)) {
    if (filter === 'conversions' && name !== 'Overview') continue;
    const addresses = Object.values(periods).map((period) => `${path}?${period}${query}`);
    rows.push(await row(filter ? `${name}, ${filter}` : name, addresses));
  }
}
const [referrals, time, bytes] = await row('Referrals', ['/admin/referrals']);
rows.push([referrals, '', '', time, bytes]);
console.log(`\n| ${count(touches)} touches | ${Object.keys(periods).join(' | ')} | largest page |\n|---|--:|--:|--:|--:|`);
for (const row of rows) console.log(`| ${row.join(' | ')} |`);
console.log('');
process.exit(missed ? 1 : 0);
