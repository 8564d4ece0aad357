// An ad on another site leads here. The browser has to send the session's cookie, or a signed-in user would be signed out.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { csv, expect, expectSignedInAs, register, test, unique } from "./site";

let server: Server;
let elsewhere: string;
let link = "";

test.beforeAll(async () => {
  server = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end(`<!doctype html><title>Another site</title><link rel="icon" href="data:,"><a href="${link}">An ad</a>`);
  });
  await new Promise<void>((ready) => server.listen(0, ready));
  // The tested site is at 127.0.0.1. To a browser, localhost is another site.
  elsewhere = `http://localhost:${(server.address() as AddressInfo).port}/`;
});
test.afterAll(() => void server.close());

test("a click on an ad keeps a signed-in user signed in, and is one lead", async ({ page, admin, baseURL }) => {
  const campaign = unique("retargeting");
  const email = `${unique("lin")}@example.com`;
  await register(page, email);

  link = `${baseURL}/?utm_source=facebook&amp;utm_medium=paid_social&amp;utm_campaign=${campaign}`;
  await page.goto(elsewhere);
  const [request] = await Promise.all([
    page.waitForRequest((request) => request.isNavigationRequest() && request.url().includes(campaign)),
    page.getByRole("link", { name: "An ad" }).click(),
  ]);
  expect((await request.allHeaders())["sec-fetch-site"]).toBe("cross-site");
  await expect(page).toHaveURL(new RegExp(campaign));
  await expectSignedInAs(page, email);

  const leads = await csv(admin, `/admin/leads.csv?campaign=${campaign}`);
  expect(leads).toHaveLength(1);
  expect(leads[0]).toMatchObject({ user_email: email, source: "facebook" });
});

test("touches before and after an ad on another site are one visitor's", async ({ page, admin, baseURL }) => {
  const first = unique("first");
  const second = unique("second");
  const email = `${unique("mei")}@example.com`;
  await page.goto(`/?utm_source=google&utm_medium=cpc&utm_campaign=${first}`);

  link = `${baseURL}/?utm_source=bing&amp;utm_medium=cpc&amp;utm_campaign=${second}`;
  await page.goto(elsewhere);
  await page.getByRole("link", { name: "An ad" }).click();
  await expect(page).toHaveURL(new RegExp(second));
  await register(page, email);

  for (const campaign of [first, second]) {
    const leads = await csv(admin, `/admin/leads.csv?campaign=${campaign}`);
    expect(leads.map((lead) => lead.user_email)).toEqual([email]);
  }
});
test.describe.configure({ mode: "serial" });
