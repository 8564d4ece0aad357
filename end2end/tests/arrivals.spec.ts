// One arrival is one touch, whatever browsers do before, beside and after the page's request.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, devices, type Page } from "@playwright/test";
import { between, type Between } from "./between";
import { csv, expect, test as base, unique } from "./site";

const test = base.extend<{ before: (options?: Parameters<typeof between>[1]) => Promise<Between> }>({
  before: async ({}, use) => {
    const servers: Between[] = [];
    await use(async (options) => {
      const server = await between(process.env.BASE_URL!, options);
      servers.push(server);
      return server;
    });
    await Promise.all(servers.map((server) => server.close()));
  },
});

/** The touches and visitors of a campaign or source, as the admin's report counts them. */
async function counted(admin: Page, value: string, field: "campaign" | "source" = "campaign") {
  const rows = await csv(admin, `/admin/campaigns.csv?period=all&${field}=${value}`);
  const sum = (column: string) => rows.reduce((sum, row) => sum + Number(row[column]), 0);
  return { touches: sum("touches"), visitors: sum("visitors") };
}

/** A page that lets the browser load an address ahead, and perhaps opens the address after four seconds. */
function launch(address: string, action: "prefetch" | "prerender", opens = false) {
  const rules = JSON.stringify({ [action]: [{ urls: [address], eagerness: "immediate" }] });
  const open = opens ? "setTimeout(() => document.getElementById('go').click(), 4000)" : "";
  return `<!DOCTYPE html><title>launch</title><link rel="icon" href="data:," /><a id="go" href="${address.replaceAll("&", "&amp;")}">go</a>
    <script type="speculationrules">${rules}</script><script>${open}</script>`;
}

/** Waits for a request of the browser that reached the site. */
async function reached(server: Between, matches: (request: Between["seen"][number]) => boolean) {
  await expect.poll(() => server.seen.some(matches)).toBe(true);
}

const isBeacon = (request: Between["seen"][number]) => request.url === "/api/touch";

const isAhead = (request: Between["seen"][number]) =>
  request.method === "GET" && String(request.headers["sec-purpose"] ?? "").startsWith("prefetch");

test("a prefetched result counts for its referrer when it is opened, and not before", async ({ page, admin, before }) => {
  const pages: Record<string, string> = {};
  const server = await before({ pages });
  const address = `${server.url}/`;
  pages["/launch"] = launch(address, "prefetch");
  // Another site: browsers look for every host below localhost on this machine.
  const source = `${unique("search")}.localhost`;
  await page.goto(`http://${source}:${new URL(address).port}/launch`);
  await reached(server, isAhead);
  expect(await counted(admin, source, "source")).toEqual({ touches: 0, visitors: 0 });
  await page.locator("#go").click();
  await reached(server, isBeacon);
  expect(server.seen.filter((request) => request.url === "/"), "no second request came").toHaveLength(1);
  await expect.poll(() => counted(admin, source, "source")).toEqual({ touches: 1, visitors: 1 });
});

for (const opens of [false, true]) {
  test(`a prerendered page that ${opens ? "is opened is one touch" : "nobody opens is none"}`, async ({ admin, before }) => {
    const campaign = unique("prerender");
    const address = `/?utm_source=search&utm_medium=cpc&utm_campaign=${campaign}`;
    const server = await before({ pages: { "/launch": launch(address, "prerender", opens) } });
    // Chromium prerenders nothing while a program controls it, so the page itself opens the address.
    const browser = await startChromium(`${server.url}/launch`);
    try {
      await reached(server, isAhead);
      // The scripts of the page run before the page is opened.
      await reached(server, (request) => request.url.endsWith(".wasm"));
      if (opens) await reached(server, isBeacon);
      else await new Promise((done) => setTimeout(done, 6000));
      expect(server.seen.filter(isBeacon)).toHaveLength(opens ? 1 : 0);
      expect(server.seen.filter((request) => request.url === address)).toHaveLength(1);
      const expected = opens ? { touches: 1, visitors: 1 } : { touches: 0, visitors: 0 };
      await expect.poll(() => counted(admin, campaign)).toEqual(expected);
    } finally {
      await browser.end();
    }
  });
}

/** Starts a Chromium that no program controls, at an address. */
async function startChromium(address: string) {
  const folder = await mkdtemp(join(tmpdir(), "waymark-chromium-"));
  const path = process.env.CHROMIUM_PATH || chromium.executablePath();
  const agent = `--user-agent=${devices["Desktop Chrome"].userAgent}`;
  const options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${folder}`, agent];
  // Without a port for debugging, headless Chromium ends once the page is loaded.
  const browser = spawn(path, [...options, "--remote-debugging-port=0", address], { stdio: "ignore" });
  const ended = new Promise((done) => browser.once("exit", done));
  return {
    end: async () => {
      browser.kill();
      await ended;
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

test("a browser that keeps no cookies is one visitor with one touch", async ({ page, admin, before }) => {
  const campaign = unique("nocookies");
  const server = await before({ losesCookies: true });
  await page.goto(`${server.url}/?utm_source=news&utm_medium=email&utm_campaign=${campaign}`);
  await reached(server, isBeacon);
  expect(await page.context().cookies()).toEqual([]);
  await page.waitForTimeout(500);
  expect(await counted(admin, campaign)).toEqual({ touches: 1, visitors: 1 });
});

test("two first tabs at once are one visitor with both touches", async ({ page, context, admin, before }) => {
  const [one, other] = [unique("tab"), unique("tab")];
  const server = await before({ waitsFor: 2 });
  const second = await context.newPage();
  const address = (campaign: string) => `${server.url}/?utm_source=news&utm_medium=email&utm_campaign=${campaign}`;
  await Promise.all([page.goto(address(one)), second.goto(address(other))]);
  // Each tab tells its touch when a person looks at it.
  await page.bringToFront();
  await second.bringToFront();
  await expect.poll(() => server.seen.filter(isBeacon).length).toBe(2);
  await second.waitForTimeout(500);
  await signUp(second, server);
  for (const campaign of [one, other]) {
    expect(await counted(admin, campaign)).toEqual({ touches: 1, visitors: 1 });
    const leads = await csv(admin, `/admin/leads.csv?campaign=${campaign}`);
    expect(leads).toHaveLength(1);
    expect(leads[0]).toMatchObject({ hits: "1" });
  }
});

test("a query that a CDN cuts is one touch, beside a referrer too", async ({ page, admin, before }) => {
  const campaign = unique("cdn");
  const server = await before({ cutsQuery: true });
  const address = `${server.url}/?utm_source=google&utm_medium=cpc&utm_campaign=${campaign}`;
  await page.goto(address, { referer: "https://www.google.com/" });
  await reached(server, isBeacon);
  await expect.poll(() => counted(admin, campaign)).toEqual({ touches: 1, visitors: 1 });
  await page.reload();
  await expect.poll(() => server.seen.filter(isBeacon).length).toBe(2);
  await page.waitForTimeout(500);
  expect(await counted(admin, campaign)).toEqual({ touches: 1, visitors: 1 });
  await signUp(page, server);
  const leads = await csv(admin, `/admin/leads.csv?source=google`);
  expect(leads.filter((lead) => lead.campaign === campaign)).toHaveLength(1);
  expect(leads.filter((lead) => lead.medium === "organic" && lead.user_email === leads[0].user_email)).toHaveLength(0);
});

test("going back, forward and to a copy of the tab makes no further touch", async ({ page, context, admin, before }) => {
  const campaign = unique("back");
  const address = `/?utm_source=search&utm_medium=cpc&utm_campaign=${campaign}`;
  const server = await before({ pages: { "/launch": launch(address, "prefetch") } });
  await page.goto(`${server.url}/launch`);
  await reached(server, (request) => request.url === address);
  await page.locator("#go").click();
  await reached(server, isBeacon);
  await page.goto(`${server.url}/privacy`);
  await page.goBack();
  await page.goForward();
  await page.goBack();
  const copy = await context.newPage();
  await copy.goto(`${server.url}${address}`);
  await copy.waitForTimeout(3000);
  expect(await counted(admin, campaign)).toEqual({ touches: 1, visitors: 1 });
});

test("a redirect after signing in elsewhere names no referrer", async ({ page, admin, before }) => {
  const pages: Record<string, string> = {};
  const server = await before({ pages });
  // The slash at the end is redirected away.
  const address = `${server.url}/login/?code=3f1c&state=x`;
  pages["/authorize"] = `<!DOCTYPE html><title>sign in</title><link rel="icon" href="data:," />
    <a href="${address.replace("&", "&amp;")}">go</a>`;
  const provider = `${unique("idp")}.localhost`;
  await page.goto(`http://${provider}:${new URL(address).port}/authorize`);
  await page.getByRole("link").click();
  await expect(page).toHaveURL(/\/login\?/);
  await expect(page.locator("leptos-island[data-ready]").first()).toBeAttached();
  const referrers = server.seen.filter((request) => request.url.startsWith("/login")).map((request) => request.headers.referer);
  expect(referrers).toEqual([`http://${provider}:${new URL(address).port}/`, undefined]);
  expect(await counted(admin, provider, "source")).toEqual({ touches: 0, visitors: 0 });
});

/** Signs up through the server between. */
async function signUp(page: Page, server: Between) {
  await page.goto(`${server.url}/register`);
  const form = page.getByRole("main");
  await form.locator("input[name=email]").fill(`${unique("eve")}@example.com`);
  await form.locator("input[name=password]").fill("correct horse battery");
  await form.getByRole("button", { name: /create account/i }).click();
  await expect(page).toHaveURL(/\/account/);
}
