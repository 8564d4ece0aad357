// The beacon sends what only the browser sees of an address.
import { csv, expect, register, test, unique } from "./site";

test("a fragment becomes a touch, once", async ({ page, admin }) => {
  const campaign = unique("hash");
  const told = page.waitForResponse((response) => response.url().endsWith("/api/touch"));
  await page.goto(`/#utm_source=podcast&utm_medium=audio&utm_campaign=${campaign}`);
  expect((await told).status()).toBe(204);
  const again = page.waitForResponse((response) => response.url().endsWith("/api/touch"));
  await page.reload();
  await again;
  await register(page, `${unique("eve")}@example.com`);
  const leads = await csv(admin, `/admin/leads.csv?campaign=${campaign}`);
  expect(leads).toHaveLength(1);
  expect(leads[0]).toMatchObject({ source: "podcast", channel: "Audio", landing_path: "/" });
});

test("a query that the server saw is one touch with one hit", async ({ page, admin }) => {
  const campaign = unique("seen");
  const told = page.waitForResponse((response) => response.url().endsWith("/api/touch"));
  await page.goto(`/?utm_source=newsletter&utm_medium=email&utm_campaign=${campaign}`);
  await told;
  await register(page, `${unique("fay")}@example.com`);
  const leads = await csv(admin, `/admin/leads.csv?campaign=${campaign}`);
  expect(leads).toHaveLength(1);
  expect(leads[0]).toMatchObject({ hits: "1" });
});

test("the page reports a query that was stripped on the way", async ({ page, admin }) => {
  const campaign = unique("stripped");
  // Some CDNs serve one copy of a page for all queries. The server then sees no query.
  await page.route(/utm_campaign/, async (route) => {
    const url = new URL(route.request().url());
    await route.continue({ url: `${url.origin}${url.pathname}` });
  });
  const told = page.waitForResponse((response) => response.url().endsWith("/api/touch"));
  await page.goto(`/?utm_source=google&utm_medium=cpc&utm_campaign=${campaign}`);
  await told;
  await register(page, `${unique("gus")}@example.com`);
  const leads = await csv(admin, `/admin/leads.csv?campaign=${campaign}`);
  expect(leads).toHaveLength(1);
  expect(leads[0]).toMatchObject({ channel: "Paid Search" });
});

test("a page without signals sends nothing", async ({ page }) => {
  const beacons: string[] = [];
  page.on("request", (request) => request.url().endsWith("/api/touch") && beacons.push(request.url()));
  await page.goto("/?page=2#how");
  await expect(page.locator("leptos-island[data-ready]").first()).toBeAttached();
  await page.waitForTimeout(500);
  expect(beacons).toEqual([]);
});
